import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BrokerOptions } from '../../../broker/index.ts'
import { lab } from '../../../clients/cli/lab.ts'
import { loadPublicKey } from '../../../clients/identity/index.ts'
import { Story } from '../../../clients/labs/messaging/index.ts'
import { LevelAuditStore, openStoreDatabase, verifyStore } from '../../../plugins/index.ts'
import { TestAdmin } from '../../helpers/admin.ts'
import { freePort, startBroker } from '../../helpers/broker.ts'
import { runCommandHere } from '../../helpers/cli.ts'
import type { Ended } from '../../helpers/processes.ts'
import { runPythonClient } from '../../helpers/python.ts'
import { BlockTable } from '../../helpers/tampering.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasPython } from '../../helpers/tools.ts'

// Design section 8, the lab "securing a distributed messaging service": both clients that run it, against a real broker.

const host = '127.0.0.1'

interface Program {
  readonly name: 'typescript' | 'python'
  readonly run: (t: TestContext, args: readonly string[]) => Promise<Ended>
}

const typescript: Program = {
  name: 'typescript',
  run: (_t, args) => runCommandHere(lab, ['messaging', ...args]),
}
const python: Program = { name: 'python', run: (t, args) => runPythonClient(t, 'notarymq.lab', args) }

async function startLab(t: TestContext, options: Partial<BrokerOptions> = {}) {
  const running = await startBroker(t, {
    ...options,
    listeners: [
      { protocol: 'mqtt', port: 0, host },
      { protocol: 'notary-link', port: 0, host },
    ],
  })
  const link = running.broker.listeners.find(({ protocol }) => protocol === 'notary-link')
  const keys = temporaryDirectory(t)
  const at = ['-h', host, '-p', `${running.port}`, '--link-port', `${link?.port}`, '--keys', keys]
  return { ...running, keys, at }
}

/** Runs a phase that must succeed. @returns the lines of what was shown */
async function phase(t: TestContext, program: Program, name: string, args: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await program.run(t, ['--phase', name, ...args])
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, stdout)
  assert.match(stdout, new RegExp(`^Phase ${name}: all steps passed\\.$`, 'm'))
  return stdout.split('\n').map((line) => line.trim())
}

/** What a program publishes over MQTT: every QoS in both carriers. */
function topicsOf({ name }: Program): string[] {
  return [0, 1, 2].flatMap((qos) => ['', '-detached'].map((carrier) => `lab/messaging/${name}/qos-${qos}${carrier}`))
}

for (const [program, other] of [
  [typescript, python],
  [python, typescript],
] as const) {
  test(`phase A in ${program.name}: ECDH over a socket, signed and HMACed messages over it, then the same session over MQTT`, async (t) => {
    if (!hasPython(t)) return
    const { at, port } = await startLab(t)
    const admin = await TestAdmin.connect(t, port)
    await phase(t, program, 'A', at)
    const records = await admin.publishes({ topic: `lab/messaging/${program.name}/#` })
    const overSocket = records.filter(({ topic }) => topic?.endsWith('/socket'))
    assert.deepEqual(
      overSocket.map(({ outcome, mac, listener }) => [outcome, mac, listener?.split(':')[0]]),
      new Array(3).fill(['signed', true, 'link']),
    )
    const overMqtt = records.filter((record) => !overSocket.includes(record))
    assert.deepEqual(
      overMqtt.map(({ topic }) => topic),
      topicsOf(program),
    )
    const identities = new Set(records.map(({ kid, clientId }) => `${kid} ${clientId}`))
    assert.equal(identities.size, 1, 'one key and one client id on both ways')
    // One agreement for both ways, and one for the link on which a bit was flipped.
    const sessions = (await admin.records()).filter(({ kind }) => kind === 'session')
    assert.equal(sessions.length, 2)
    const { refused } = await admin.request('audit.status', {})
    assert.deepEqual(refused, { 'signature-invalid': 1 })
  })

  test(`phase B in ${program.name}: the exchange over MQTT topics, QoS 0 to 2, altered messages refused; ${other.name} verifies what it left`, async (t) => {
    if (!hasPython(t)) return
    const { at, port } = await startLab(t)
    const admin = await TestAdmin.connect(t, port)
    await phase(t, program, 'B', at)
    const { refused } = await admin.request('audit.status', {})
    assert.deepEqual(refused, { 'mac-invalid': 1, 'signature-invalid': 2, 'replayed-with-other-flags': 1 })
    const left = await phase(t, other, 'B', at)
    const seen = await phase(t, program, 'B', at)
    for (const [lines, author] of [
      [left, program],
      [seen, other],
    ] as const) {
      const signed = ` signed by lab-${author.name} as #`
      for (const topic of topicsOf(author)) {
        assert.ok(
          lines.some((line) => line.startsWith(`ok: ${topic}: "21.`) && line.includes(signed)),
          `${topic}\n${lines.join('\n')}`,
        )
      }
    }
  })

  test(`phase C in ${program.name}: timestamp, sender, content and HMAC of every message, and every altered block is named`, async (t) => {
    if (!hasPython(t)) return
    const { at, port, broker, location } = await startLab(t)
    const admin = await TestAdmin.connect(t, port)
    const lines = await phase(t, program, 'C', at)
    const records = await admin.publishes({ topic: `lab/messaging/${program.name}/#` })
    assert.deepEqual(
      records.map(({ topic, mac }) => [topic, mac]),
      [...topicsOf(program).map((topic) => [topic, true]), [`lab/messaging/${program.name}/tampered`, false]],
    )
    for (const { index, time, subject, seq, mac } of records) {
      const hmac = mac ? '[0-9a-f]{16}' : 'none'
      const row = new RegExp(
        `^${index}  ${time}  ${subject} #${seq}  \\S+ "(21\\.[012] degrees|close valve)"  hmac ${hmac}$`,
      )
      assert.equal(lines.filter((line) => row.test(line)).length, 1, `${row}`)
    }
    // The chain has not grown since: what was altered was a copy.
    const { blocks } = await admin.request('audit.status', {})
    assert.ok(lines.includes(`ok: ${blocks} alterations, each found and its block named`))
    await broker.close()
    await assertEachBlockIsGuarded(t, location, blocks)
  })
}

/** One byte of each stored block is altered on disk, one block after the other, and `verify` names the block. */
async function assertEachBlockIsGuarded(t: TestContext, location: string, blocks: number): Promise<void> {
  const copy = join(temporaryDirectory(t), 'copy')
  cpSync(location, copy, { recursive: true })
  const database = await openStoreDatabase(copy, false)
  const table = await BlockTable.of(database)
  assert.equal(table.keys.length, blocks)
  const found: unknown[] = []
  const altered: unknown[] = []
  for (const [block, key] of table.keys.entries()) {
    const genuine = await table.get(key)
    await table.alter(key, ({ entries }) => {
      const record = entries.at(-1)?.record
      if (record !== undefined) record[record.length - 1] = (record.at(-1) as number) ^ 1
      altered.push([block, key + entries.length - 1])
    })
    const { firstBad } = await verifyStore({ store: new LevelAuditStore(database), hashesOnly: true })
    found.push([firstBad?.block, firstBad?.index])
    await table.put(key, genuine)
  }
  await database.close()
  assert.deepEqual(found, altered)
}

test('both languages in one lab: each verifies the whole chain with the signatures of the other in it', async (t) => {
  if (!hasPython(t)) return
  const { at, port } = await startLab(t)
  const admin = await TestAdmin.connect(t, port)
  await phase(t, typescript, 'A', at)
  await phase(t, python, 'A', at)
  const ours = await phase(t, typescript, 'C', at)
  const theirs = await phase(t, python, 'C', at)
  const say = /^ok: we say: (\d+) records in (\d+) blocks/
  for (const lines of [ours, theirs]) assert.ok(lines.some((line) => say.test(line)))
  assert.deepEqual((await admin.request('keys.list', {})).keys.length, 2)
})

test('who is no administrator runs phase B with a key that somebody enrolled, and is told when nobody has', async (t) => {
  if (!hasPython(t)) return
  const { at, broker, keys } = await startLab(t, { anonymousAdmin: false })
  for (const program of [typescript, python]) {
    const { code, stdout, stderr } = await program.run(t, ['--phase', 'B', ...at])
    assert.equal(code, 1)
    assert.match(stdout, /not enrolled by us \(.+\); somebody else has to have/)
    assert.match(stderr, /^notarymq[ .]lab: [^\n]+\n$/)
    await broker.chain.enroll(loadPublicKey(join(keys, `lab-${program.name}.pub.pem`)), program.name)
    await phase(t, program, 'B', at)
  }
})

test('a lab against nobody, or without its listener, says so in one line', async (t) => {
  if (!hasPython(t)) return
  const { at } = await startLab(t)
  const closed = `${await freePort()}`
  const keys = ['--keys', temporaryDirectory(t)]
  for (const program of [typescript, python]) {
    for (const args of [
      ['--phase', 'B', '-h', host, '-p', closed, ...keys],
      ['--phase', 'A', ...at, '--link-port', closed],
    ]) {
      const { code, stderr } = await program.run(t, args)
      assert.equal(code, 2)
      assert.match(stderr, /^notarymq[ .]lab: [^\n]+\n$/)
    }
  }
})

test('a step that does not show what it claims ends the lab', () => {
  const lines: string[] = []
  const story = new Story((line) => lines.push(line))
  story.step('A claim')
  story.check(true, 'so it is')
  assert.throws(() => story.check(false, 'so it is not'), { code: 'ERR_LAB' })
  assert.deepEqual(lines, ['\n1. A claim', '   ok: so it is'])
})
