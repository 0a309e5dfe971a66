import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonRpcSuccess } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { pythonJson, runPython, startPython } from '../helpers/python.ts'
import { sha256Base64url } from '../helpers/signing.ts'
import { hasPython } from '../helpers/tools.ts'

const protocols = [3, 4, 5] as const
const levels = [0, 1, 2] as const

/** What `paho_client.py publish` prints of each publish. */
interface Published {
  readonly rc: number
  /** Null where MQTT 3 has none. */
  readonly reasonCode: number | null
}

/** What `paho_client.py subscribe` prints of each message. */
interface Heard {
  readonly topic: string
  readonly payloadHex: string
  readonly qos: number
  readonly retain: boolean
}

test('paho-mqtt publishes and subscribes with MQTT 3.1, 3.1.1 and 5 at QoS 0, 1 and 2, and all is in the chain', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startBroker(t)
  const client = (command: string, id: string, protocol: number) => {
    return ['paho_client.py', command, '--port', `${port}`, '--client-id', id, '--protocol', `${protocol}`]
  }
  const sent = protocols.flatMap((protocol) =>
    levels.map((qos) => ({ protocol, qos, payload: `${protocol} ${qos} °C` })),
  )
  const subscribers = protocols.map((protocol) => {
    const args = ['--topic', 'plant/#', '--qos', '2', '--count', `${2 * sent.length}`, '--timeout', '25']
    return startPython(t, [...client('subscribe', `paho-sub-${protocol}`, protocol), ...args])
  })
  await Promise.all(subscribers.map((subscriber) => subscriber.line(/"ready": true/)))
  for (const { protocol, qos, payload } of sent) {
    const message = ['--topic', `plant/${qos}`, '--qos', `${qos}`, '--payload', payload, '--count', '2']
    const results = await pythonJson<Published>(t, [...client('publish', `paho-pub-${protocol}`, protocol), ...message])
    const reasonCode = protocol === 5 && qos > 0 ? 0 : null
    for (const result of results) assert.deepEqual([result.rc, result.reasonCode], [0, reasonCode])
  }
  const twice = sent.flatMap((message) => [message, message])
  for (const subscriber of subscribers) {
    const { code, stdout, stderr } = await subscriber.ended
    assert.equal(code, 0, stderr)
    const heard = stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => JSON.parse(line) as Heard)
    assert.deepEqual(
      heard,
      twice.map(({ qos, payload }) => {
        return { topic: `plant/${qos}`, payloadHex: Buffer.from(payload).toString('hex'), qos, retain: false }
      }),
    )
  }
  const admin = await TestAdmin.connect(t, port)
  assert.deepEqual(
    (await admin.publishes()).map(({ clientId, topic, qos, payloadSha256, outcome }) => {
      return { clientId, topic, qos, payloadSha256, outcome }
    }),
    twice.map(({ protocol, qos, payload }) => ({
      clientId: `paho-pub-${protocol}`,
      topic: `plant/${qos}`,
      qos,
      payloadSha256: sha256Base64url(payload),
      outcome: 'unsigned',
    })),
  )
  await admin.verifies()
})

test('paho-mqtt asks the admin topic with a Response Topic of its own and gets its Correlation Data back', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startBroker(t)
  const own = '$notary/admin/response/paho-admin'
  for (const responseTopic of [own, `${own}/status`, '$notary/admin/response/-']) {
    const request = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'audit.status', params: {} })
    const connection = ['--port', `${port}`, '--client-id', 'paho-admin']
    const topics = ['--topic', '$notary/admin/request', '--response-topic', responseTopic]
    const args = ['paho_client.py', 'request', ...connection, ...topics, '--payload', request]
    const [answer, ...more] = await pythonJson<Record<string, unknown>>(t, args)
    assert.deepEqual(more, [])
    assert.equal(answer?.topic, responseTopic)
    assert.equal(answer?.correlationMatches, true)
    assert.deepEqual([answer?.qos, answer?.retain], [0, false])
    const { id, result } = JSON.parse(String(answer?.payload)) as JsonRpcSuccess
    assert.deepEqual([id, (result as { treeSize: number }).treeSize], [7, 1])
  }
})

test('paho-mqtt learns of refusals: 0x87 for publishing or subscribing below $notary/ where only others may', async (t) => {
  if (!hasPython(t)) return
  const { port } = await startBroker(t)
  const client = (command: string, topic: string) => ['paho_client.py', command, '--port', `${port}`, '--topic', topic]
  for (const qos of ['1', '2']) {
    const refused = await runPython(t, [...client('publish', '$notary/alarm'), '--qos', qos, '--payload', 'fire'])
    assert.equal(refused.code, 1)
    assert.equal((JSON.parse(refused.stdout) as Published).reasonCode, 0x87)
  }
  const deaf = await runPython(t, client('subscribe', '$notary/admin/response/somebody'))
  assert.deepEqual([deaf.code, deaf.stderr.trim()], [1, 'paho_client: the subscription was refused: 0x87'])
  const admin = await TestAdmin.connect(t, port)
  assert.deepEqual((await admin.request('audit.status', {})).refused, { 'broker-topic': 2 })
  assert.deepEqual(await admin.publishes(), [])
})
