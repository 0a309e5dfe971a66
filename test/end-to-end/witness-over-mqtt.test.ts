import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Aedes } from 'aedes'
import { adminResponseTopic, checkpointTopic, requestTopic, toBase64url } from '../../protocol/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { runCli } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { growingLog } from '../helpers/test-log.ts'
import { cosignaturesOf, spawnWitness, verifierOf } from '../helpers/witnessing.ts'

const log = growingLog('example.com/log', 40)

interface Cosigned {
  readonly treeSize: number
  readonly lines: string
}

/** A plain broker on the port that publishes checkpoints of the log and answers for it. */
async function openLogBroker(t: TestContext, port = 0, login?: string) {
  const broker = await Aedes.createBroker()
  if (login !== undefined) {
    broker.authenticate = (_client, username, password, done) => done(null, `${username} ${password}` === login)
  }
  const server = createServer(broker.handle)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => broker.close(() => server.close(() => resolve())))
  atEnd(t, close)
  const cosigned: Cosigned[] = []
  let heard: () => void = () => {}
  const send = (topic: string, payload: string, retain: boolean) =>
    broker.publish({ cmd: 'publish', topic, payload, qos: 0, retain, dup: false }, () => {})
  const answer = (method: string, params: Record<string, number> & { lines: string }) => {
    if (method === 'audit.consistency') {
      const { from = 0, to = 0 } = params
      return { from, to, path: log.tree.consistency(from, to).map(toBase64url) }
    }
    assert.equal(method, 'audit.cosign')
    cosigned.push({ treeSize: params.treeSize ?? 0, lines: params.lines })
    heard()
    return { cosigned: ['w1'] }
  }
  broker.on('publish', ({ topic, payload }, client) => {
    if (client === null || topic !== requestTopic.admin) return
    const { id, method, params } = JSON.parse(`${payload}`)
    const response = { jsonrpc: '2.0', id, result: answer(method, params) }
    send(adminResponseTopic(client.id), JSON.stringify(response), false)
  })
  const cosignedOf = async (treeSize: number): Promise<Cosigned> => {
    for (;;) {
      const found = cosigned.find((one) => one.treeSize === treeSize)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  return {
    port: (server.address() as AddressInfo).port,
    publish: (treeSize: number) => send(checkpointTopic, log.checkpoint(treeSize), true),
    cosignedOf,
    close,
  }
}

test('a witness fetches checkpoints over MQTT and gives its cosignatures back, also after the broker was away', async (t) => {
  const first = await openLogBroker(t)
  first.publish(5)
  const url = `mqtt://127.0.0.1:${first.port}`
  const witness = await spawnWitness(t, temporaryDirectory(t), [log.key.vkey], ['--url', url])
  const verifier = verifierOf(witness.vkey)
  const check = ({ treeSize, lines }: Cosigned) =>
    assert.equal(cosignaturesOf(lines, log.checkpoint(treeSize), verifier).length, 1)
  check(await first.cosignedOf(5))
  first.publish(20)
  check(await first.cosignedOf(20))
  await first.close()
  const second = await openLogBroker(t, first.port)
  second.publish(33)
  check(await second.cosignedOf(33))
  assert.deepEqual(await witness.post(log.request(0, 1)), { status: 409, body: '33\n' })
  witness.process.child.kill('SIGTERM')
  assert.equal((await witness.process.ended).code, 0)
})

test('a witness says who it is to a broker that asks, from a file or the environment', async (t) => {
  const broker = await openLogBroker(t, 0, 'witness pass word')
  broker.publish(5)
  const url = `mqtt://127.0.0.1:${broker.port}`
  const directory = temporaryDirectory(t)
  const file = join(directory, 'logins')
  writeFileSync(file, `# for the log\n${url} witness pass word\n`)
  const witness = await spawnWitness(t, directory, [log.key.vkey], ['--url', url, '--login-file', file])
  await broker.cosignedOf(5)
  witness.process.child.kill('SIGTERM')
  assert.equal((await witness.process.ended).code, 0)
})

test('logins that are of no --url, or have another form, are refused, and nothing of them is said', async (t) => {
  const files = { key: join(temporaryDirectory(t), 'key'), db: temporaryDirectory(t) }
  const args = ['witness', '--url', 'mqtt://127.0.0.1:1', '--key', files.key, '--db', files.db, '--log', log.key.vkey]
  for (const NOTARYMQ_LOGIN of ['mqtt://127.0.0.1:2 witness secret', 'witness secret', 'mqtt://127.0.0.1:1 secret']) {
    const { code, stdout, stderr } = await runCli(t, args, { env: { NOTARYMQ_LOGIN } })
    assert.equal(code, 2)
    assert.doesNotMatch(`${stdout}${stderr}`, /secret/)
  }
})
