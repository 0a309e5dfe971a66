import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { auditWatch } from '../../clients/cli/audit-watch.ts'
import { MqttLog } from '../../clients/cli/mqtt-log.ts'
import { ClientError } from '../../clients/errors.ts'
import type { ForkProof } from '../../clients/watch/watch-alarm.ts'
import { exportLog, nativeCrypto } from '../../plugins/index.ts'
import {
  checkpointTopic,
  fromBase64url,
  parseCheckpointText,
  parseSignedNote,
  verifyConsistency,
} from '../../protocol/index.ts'
import { putBack } from '../helpers/anchored-chain.ts'
import { startBroker } from '../helpers/broker.ts'
import { runCommandHere } from '../helpers/cli.ts'
import { ExportedChain } from '../helpers/exported-chain.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { logKey } from '../helpers/notes.ts'
import { runCli } from '../helpers/processes.ts'
import { serveDirectory } from '../helpers/served-directory.ts'
import { copyOfData } from '../helpers/stored-chain.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const command = { name: 'audit', help: '', run: auditWatch }

/** Exports a chain into a directory of its own. */
async function exportTo(t: TestContext, exported: ExportedChain): Promise<string> {
  const directory = join(temporaryDirectory(t), 'export')
  await exportLog(exported.source, await exported.note(), directory)
  return directory
}

/** A chain of some size, its export on a web server, and a watcher that looks at it. */
async function scene(t: TestContext, size: number) {
  const exported = await ExportedChain.open(t)
  await exported.growTo(size)
  const server = await serveDirectory(t, await exportTo(t, exported))
  const state = temporaryDirectory(t)
  const vkey = exported.chain.logVkey
  const watch = (...more: readonly string[]) =>
    runCommandHere(command, [server.url, '--vkey', vkey, '--state', state, '--json', ...more])
  const look = async (...more: readonly string[]) => {
    const { code, stdout, stderr } = await watch('--once', ...more)
    return { code, stderr, ...(stdout === '' ? {} : JSON.parse(stdout)) }
  }
  const evidence = () => {
    const names = readdirSync(state).filter((name) => name.startsWith('evidence-'))
    return JSON.parse(readFileSync(join(state, names[0] ?? ''), 'utf8'))
  }
  return { exported, server, state, vkey, watch, look, evidence }
}

const treeOf = (note: string) => parseCheckpointText(parseSignedNote(note).text)

/** That the newer of two signed trees begins with another one than the older. */
function assertProvesFork({ kept, received, proof }: { kept: string; received: string; proof: ForkProof }): void {
  const [older, newer] = [treeOf(kept), treeOf(received)]
  const prefixRoot = fromBase64url(proof.prefixRoot)
  assert.notDeepEqual(prefixRoot, Uint8Array.from(older.rootHash))
  const path = proof.path.map(fromBase64url)
  const sizes = { size1: older.treeSize, size2: newer.treeSize }
  verifyConsistency({ ...sizes, path }, prefixRoot, newer.rootHash, nativeCrypto)
}

/** Two chains with one key that are the same up to a size. */
async function fork(t: TestContext, exported: ExportedChain): Promise<readonly [ExportedChain, ExportedChain]> {
  await exported.keeper.close()
  await exported.chain.close()
  const copy = join(temporaryDirectory(t), 'copy')
  cpSync(exported.location, copy, { recursive: true })
  return [await ExportedChain.open(t, exported.location), await ExportedChain.open(t, copy)]
}

test('a log of a broker that only grows is all right, look after look, in processes that know what was seen before', async (t) => {
  const { broker } = await startBroker(t, { logListeners: [{ port: 0 }], checkpointIntervalMs: 100 })
  const [url = ''] = broker.logUrls
  const state = temporaryDirectory(t)
  const args = ['audit', 'watch', url, '--vkey', broker.chain.logVkey, '--state', state, '--once']
  const checkpoint = () => fetch(`${url}/checkpoint`)
  while ((await checkpoint()).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20))
  const first = await runCli(t, args)
  assert.deepEqual([first.code, first.stderr], [0, ''])
  assert.match(first.stdout, /^ok: 1 records, root [A-Za-z0-9+/]{43}=, by leaves\n$/)
  assert.equal(
    JSON.parse(readFileSync(join(state, 'watch.json'), 'utf8')).checkpoint,
    await (await checkpoint()).text(),
  )
})

/** A log that is watched over MQTT, between runs of its broker. */
function mqttScene(t: TestContext) {
  const location = join(temporaryDirectory(t), 'data')
  const state = temporaryDirectory(t)
  /** Runs the broker, which gets so many publishes, and looks once when a checkpoint covers them. */
  const grown = async (publishes: number, anonymousAdmin: boolean, ...more: readonly string[]) => {
    const { broker, port } = await startBroker(t, { location, checkpointIntervalMs: 100, anonymousAdmin })
    const client = await TestClient.connect(t, port)
    for (let i = 0; i < publishes; i++) await client.publish('plant/1', `${i}`)
    const { size } = broker.chain.state.frontier
    assert.equal(await client.subscribe(checkpointTopic, 0), 0)
    await client.waitFor(1, ({ payload }) => treeOf(payload.toString()).treeSize === BigInt(size))
    const watch = [`mqtt://127.0.0.1:${port}`, '--vkey', broker.chain.logVkey, '--state', state, '--once', '--json']
    const { code, stdout, stderr } = await runCommandHere(command, [...watch, ...more])
    await broker.close()
    return { size, code, stderr, ...(stdout === '' ? {} : JSON.parse(stdout)) }
  }
  const evidenceOf = (cause: string) => {
    const names = readdirSync(state).filter((name) => name.startsWith(`evidence-${cause}-`))
    assert.equal(names.length, 1)
    return JSON.parse(readFileSync(join(state, names[0] ?? ''), 'utf8'))
  }
  const stateKeys = () => Object.keys(JSON.parse(readFileSync(join(state, 'watch.json'), 'utf8')))
  return { location, grown, evidenceOf, stateKeys }
}

for (const [who, anonymousAdmin, by] of [
  ['an administrator follows the log by its leaves', true, 'leaves'],
  ['whoever is no administrator follows the log by proofs', false, 'proofs'],
] as const) {
  test(`over MQTT ${who}, an older copy of it is a rollback, and what that becomes a fork that can be proved`, async (t) => {
    const { location, grown, evidenceOf } = mqttScene(t)
    const first = await grown(300, anonymousAdmin)
    assert.deepEqual([first.code, first.stderr, first.treeSize, first.by], [0, '', first.size, by])
    const copy = copyOfData(t, location)
    const second = await grown(20, anonymousAdmin)
    assert.deepEqual([second.code, second.treeSize, second.by], [0, second.size, by])
    const again = await grown(0, anonymousAdmin)
    assert.deepEqual([again.code, again.size, again.by], [0, again.treeSize, by])
    putBack(copy, location)
    const third = await grown(1, anonymousAdmin)
    assert.deepEqual([third.code, third.cause], [1, 'rollback'])
    const fourth = await grown(60, anonymousAdmin)
    assert.deepEqual([fourth.code, fourth.cause], [1, 'fork'])
    assertProvesFork(evidenceOf('fork'))
    assert.deepEqual(treeOf(evidenceOf('rollback').kept), treeOf(evidenceOf('fork').kept))
  })
}

test('over MQTT what was seen by proofs is read from the first leaf where that is allowed, and the other way goes on, too', async (t) => {
  const { grown, stateKeys } = mqttScene(t)
  assert.equal((await grown(5, false)).by, 'proofs')
  assert.deepEqual(stateKeys(), ['version', 'checkpoint', 'sinceMs'])
  assert.equal((await grown(5, true)).by, 'leaves')
  assert.deepEqual(stateKeys(), ['version', 'checkpoint', 'subtrees', 'sinceMs'])
  assert.equal((await grown(5, true, '--by', 'proofs')).by, 'proofs')
  assert.deepEqual(stateKeys(), ['version', 'checkpoint', 'sinceMs'])
  assert.equal((await grown(5, true, '--by', 'leaves')).by, 'leaves')
  assert.equal((await grown(5, false)).by, 'proofs')
})

test('over MQTT a log that was unreachable is asked again on a new connection', async (t) => {
  const first = await startBroker(t, { checkpointIntervalMs: 100 })
  const { location, port } = first
  const log = new MqttLog({ host: '127.0.0.1', port: `${port}`, 'protocol-version': 'mqttv5' })
  const before = treeOf(Buffer.from(await log.checkpoint()).toString())
  await first.broker.close()
  const isUnreachable = (error: unknown) => error instanceof ClientError && error.code === 'ERR_LOG_UNREACHABLE'
  await assert.rejects(log.checkpoint(), isUnreachable)
  await startBroker(t, { location, listeners: [{ protocol: 'mqtt', port, host: '127.0.0.1' }] })
  const after = treeOf(Buffer.from(await log.checkpoint()).toString())
  assert.ok(after.treeSize >= before.treeSize)
  await log.close()
})

test('over MQTT proofs do not take the place of leaves that were asked for: the log is unreachable', async (t) => {
  const { broker, port } = await startBroker(t, { anonymousAdmin: false, checkpointIntervalMs: 100 })
  const where = [`mqtt://127.0.0.1:${port}`, '--vkey', broker.chain.logVkey, '--state', temporaryDirectory(t)]
  const args = [...where, '--once', '--by', 'leaves']
  const isUnreachable = (error: unknown) => error instanceof ClientError && error.code === 'ERR_LOG_UNREACHABLE'
  await assert.rejects(auditWatch(args, { out: () => {}, error: () => {} }), isUnreachable)
})

for (const [before, after] of [
  [3, 4],
  [255, 257],
  [256, 600],
  [300, 301],
] as const) {
  test(`a log that grew from ${before} to ${after} records is followed from there`, async (t) => {
    const { exported, server, look } = await scene(t, before)
    assert.deepEqual([(await look()).treeSize, (await look()).treeSize], [before, before])
    await exported.growTo(after)
    server.directory = await exportTo(t, exported)
    const asked: string[] = []
    server.instead = (path) => void asked.push(path)
    assert.equal((await look()).treeSize, after)
    // What was seen before is not read again, but for the bundle that was not full.
    assert.equal(asked.length, 1 + Math.ceil(after / 256) - Math.floor(before / 256))
  })
}

test('an older tree is a rollback, and both signed checkpoints are kept', async (t) => {
  const { exported, server, look, evidence } = await scene(t, 300)
  const older = server.directory
  await exported.growTo(310)
  server.directory = await exportTo(t, exported)
  assert.equal((await look()).code, 0)
  server.directory = older
  const { code, event, cause } = await look()
  assert.deepEqual([code, event, cause], [1, 'alarm', 'rollback'])
  assert.deepEqual([treeOf(evidence().kept).treeSize, treeOf(evidence().received).treeSize], [310n, 300n])
})

test('another tree of the same size is a fork', async (t) => {
  const { exported, server, look } = await scene(t, 300)
  const [one, other] = await fork(t, exported)
  for (const chain of [one, other]) await chain.growTo(310)
  server.directory = await exportTo(t, one)
  assert.equal((await look()).code, 0)
  server.directory = await exportTo(t, other)
  const { code, cause } = await look()
  assert.deepEqual([code, cause], [1, 'fork'])
})

test('a larger tree that does not extend the one before is a fork, and what is kept proves it to anybody', async (t) => {
  const { exported, server, look, evidence } = await scene(t, 300)
  const [one, other] = await fork(t, exported)
  await one.growTo(310)
  await other.growTo(400)
  server.directory = await exportTo(t, one)
  assert.equal((await look()).code, 0)
  server.directory = await exportTo(t, other)
  const { code, cause } = await look()
  assert.deepEqual([code, cause], [1, 'fork'])
  assertProvesFork(evidence())
})

test('of a tree that was seen without its leaves these are read from the first one, and have to lead to it on the way', async (t) => {
  const { exported, server, state, look, evidence } = await scene(t, 300)
  const [one, other] = await fork(t, exported)
  const forget = () => {
    const path = join(state, 'watch.json')
    const { subtrees, ...rest } = JSON.parse(readFileSync(path, 'utf8'))
    assert.ok(subtrees.length > 0)
    writeFileSync(path, JSON.stringify(rest))
  }
  await one.growTo(310)
  server.directory = await exportTo(t, one)
  assert.equal((await look()).by, 'leaves')
  forget()
  assert.equal((await look()).by, 'proofs')
  await one.growTo(320)
  server.directory = await exportTo(t, one)
  assert.equal((await look()).by, 'leaves')
  forget()
  await other.growTo(400)
  server.directory = await exportTo(t, other)
  const { code, cause } = await look()
  assert.deepEqual([code, cause], [1, 'fork'])
  assertProvesFork(evidence())
})

test('leaves that do not lead to the signed root are an alarm', async (t) => {
  const { server, look, evidence } = await scene(t, 300)
  server.instead = (path) => {
    if (path !== 'tile/entries/000') return undefined
    const bundle = readFileSync(join(server.directory, path))
    return Uint8Array.from(bundle, (byte, i) => (i === 40 ? byte ^ 1 : byte))
  }
  const { code, cause } = await look()
  assert.deepEqual([code, cause], [1, 'root-mismatch'])
  assert.equal(treeOf(evidence().received).treeSize, 300n)
  server.instead = (path) => (path === 'tile/entries/001.p/44' ? 'no bundle at all' : undefined)
  assert.equal((await look()).cause, 'root-mismatch')
})

test('a checkpoint by another key, or altered, is an alarm', async (t) => {
  const { exported, server, vkey, look } = await scene(t, 3)
  const note = await exported.note()
  server.instead = (path) => (path === 'checkpoint' ? note.replace('\n3\n', '\n4\n') : undefined)
  assert.equal((await look()).cause, 'bad-signature')
  server.instead = () => undefined
  const other = logKey(exported.chain.genesis.origin, 5).vkey
  const state = temporaryDirectory(t)
  const args = [server.url, '--vkey', other, '--state', state, '--json', '--once']
  assert.equal((await runCommandHere(command, args)).code, 1)
  // With the key of the log beside it all is well.
  assert.equal((await runCommandHere(command, [...args, '--vkey', vkey])).code, 0)
})

test('what is not there, too large or no checkpoint is no alarm at once: the log is unreachable', async (t) => {
  const { server, state, vkey } = await scene(t, 300)
  const quiet = { out: () => {}, error: () => {} }
  const isUnreachable = (error: unknown) => error instanceof ClientError && error.code === 'ERR_LOG_UNREACHABLE'
  const look = () => auditWatch([server.url, '--vkey', vkey, '--state', state, '--once'], quiet)
  const answers: readonly (readonly [string, string | number | Uint8Array])[] = [
    ['checkpoint', 500],
    ['checkpoint', 404],
    ['checkpoint', 302],
    ['checkpoint', '<html>please log in</html>'],
    ['checkpoint', new Uint8Array(300_000)],
    ['tile/entries/000', 404],
    ['tile/entries/001.p/44', 404],
    ['tile/entries/000', new Uint8Array(17_000_000)],
  ]
  for (const [asked, answer] of answers) {
    server.instead = (path) => (path === asked ? answer : undefined)
    await assert.rejects(look(), isUnreachable, `${asked} ${answer}`.slice(0, 60))
  }
  assert.deepEqual(readdirSync(state), [])
})

test('a log that stays silent, or does not grow, for longer than is allowed is an alarm', async (t) => {
  const { server, state, vkey, watch } = await scene(t, 3)
  const stale = await watch('--interval', '1', '--max-age', '1')
  assert.equal(stale.code, 1)
  assert.equal(JSON.parse(stale.stdout.split('\n').at(-2) ?? '').cause, 'stale')
  const inWords = await runCommandHere(command, [server.url, '--vkey', vkey, '--state', state, '--max-age', '1'])
  assert.match(inWords.stdout, /^ok: 3 records, root \S+, by leaves\nALARM: stale: /)
  server.instead = () => 503
  const silent = await watch('--interval', '1', '--max-silence', '1')
  assert.equal(silent.code, 1)
  assert.equal(JSON.parse(silent.stdout.split('\n').at(-2) ?? '').cause, 'unreachable')
})

test('a state that is damaged, or of another log, is refused', async (t) => {
  const { server, state, vkey, look } = await scene(t, 3)
  assert.equal((await look()).code, 0)
  const path = join(state, 'watch.json')
  const good = readFileSync(path, 'utf8')
  const quiet = { out: () => {}, error: () => {} }
  const isRefused = (error: unknown) => error instanceof ClientError && error.code === 'ERR_WATCH_STATE'
  const args = ['--state', state, '--once']
  for (const bad of [
    '',
    '{}',
    good.replace('"version": 1', '"version": 2'),
    good.replace(/"subtrees": \[\n *"./, '$&A'),
  ]) {
    writeFileSync(path, bad)
    await assert.rejects(auditWatch([server.url, '--vkey', vkey, ...args], quiet), isRefused)
  }
  writeFileSync(path, good)
  const other = logKey('example.com/other', 5).vkey
  await assert.rejects(auditWatch([server.url, '--vkey', other, ...args], quiet), isRefused)
})

test('a watcher is told whose log it watches, and where that is', async (t) => {
  const state = temporaryDirectory(t)
  const quiet = { out: () => {}, error: () => {} }
  const { vkey } = logKey('example.com/log', 1)
  const isUsage = (error: unknown) => error instanceof ClientError && error.code === 'ERR_USAGE'
  for (const args of [
    [],
    ['http://x/'],
    ['nowhere', '--vkey', vkey],
    ['ftp://x/', '--vkey', vkey],
    ['mqtts://x', '--vkey', vkey],
    ['http://x/', '--vkey', vkey, '--by', 'proofs'],
    ['mqtt://x', '--vkey', vkey, '--by', 'hearsay'],
    ['http://x/', '--vkey', vkey, '--interval', '0'],
    ['https://x/', '--vkey', vkey, '--cafile', join(state, 'absent.pem')],
  ]) {
    await assert.rejects(auditWatch([...args, '--state', state, '--once'], quiet), isUsage, args.join(' '))
  }
})
