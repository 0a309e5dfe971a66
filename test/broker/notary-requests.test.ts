import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PublishPacket } from '../../broker/edge/index.ts'
import { type RequestingConnection, takeRequest } from '../../broker/notary-requests.ts'
import { AdminService, DirectTopics, IdentityService, nativeCrypto, PublishCounters } from '../../plugins/index.ts'
import {
  adminResponseTopic,
  identityResponseTopic,
  keyExchangeResponseTopic,
  requestTopic,
  verifyIdentityStatement,
} from '../../protocol/index.ts'
import { ExchangeBench } from '../helpers/exchange-bench.ts'
import { numberedKey } from '../helpers/keys.ts'
import { until } from '../helpers/test-sessions.ts'

const device = numberedKey(11)

interface Sent {
  readonly topic: string
  readonly payload: Buffer
  readonly correlationData: Buffer | undefined
}

/** A connection of `press-7` that has subscribed to its answers, and what was sent to it. */
async function connect(t: TestContext, mayWrite = true) {
  const bench = await ExchangeBench.open(t, { device })
  const { chain, brokerKey, service: keyExchange } = bench
  const onError = (error: unknown) => bench.errors.push(error)
  const sent: Sent[] = []
  const topics = new DirectTopics(onError)
  const connection: RequestingConnection = {
    id: 'press-7',
    version: 5,
    publish: ({ topic, payload, properties }, done) => {
      sent.push({ topic, payload: Buffer.from(payload), correlationData: properties?.correlationData })
      done()
    },
    context: {
      admin: new AdminService({ chain, counters: new PublishCounters(), sinceMs: 0 }),
      keyExchange,
      identity: new IdentityService({ brokerKey, brokerId: chain.genesis.origin }),
      topics,
      onError,
    },
    identity: {
      publisher: { clientId: 'press-7', username: undefined, auth: 'none', listener: 'l', isTls: false },
      isAdministrator: true,
      certificateKey: undefined,
      mayWrite: () => mayWrite,
      mayRead: () => true,
    },
    exchange: keyExchange.connect('press-7'),
    departed: new AbortController().signal,
    serverCertificateSha256: undefined,
  }
  for (const topicOf of [adminResponseTopic, keyExchangeResponseTopic, identityResponseTopic]) {
    assert.ok(topics.subscribe(connection, topicOf('press-7')))
  }
  return { bench, connection, sent }
}

function packetOf(
  topic: string,
  payload: Uint8Array,
  properties: PublishPacket['properties'] = undefined,
): PublishPacket {
  const rest = { qos: 1, retain: false, dup: false, packetId: 1, topicAlias: undefined } as const
  return { ...rest, topic, payload: Buffer.from(payload), properties }
}

test('a key exchange is answered on its response topic, in bytes, before its request is acknowledged', async (t) => {
  const { bench, connection, sent } = await connect(t)
  const pending = bench.request(device, 'press-7', 1)
  const correlationData = Buffer.from('x')
  const packet = packetOf(requestTopic.keyExchange, pending.message, { correlationData })
  assert.equal(await takeRequest(connection, packet), 'acknowledge')
  assert.deepEqual(
    sent.map(({ topic, correlationData: returned }) => [topic, returned]),
    [[keyExchangeResponseTopic('press-7'), correlationData]],
  )
  const client = await pending.finish(sent[0]?.payload ?? Buffer.alloc(0), bench.brokerKey)
  assert.ok(connection.exchange.sessions.find(client.sid))
})

test('a refused key exchange has no answer but its cause', async (t) => {
  const { connection, sent } = await connect(t)
  const packet = packetOf(requestTopic.keyExchange, Buffer.from('?'))
  assert.deepEqual(await takeRequest(connection, packet), { cause: 'request-malformed' })
  assert.deepEqual(sent, [])
})

test('who the broker is may be asked by a client that may write nothing', async (t) => {
  const { bench, connection, sent } = await connect(t, false)
  const nonce = new Uint8Array(16).fill(5)
  assert.equal(await takeRequest(connection, packetOf(requestTopic.identity, nonce)), 'acknowledge')
  const expected = { nonce, clientId: 'press-7', brokerKey: bench.brokerKey }
  const statement = await verifyIdentityStatement(sent[0]?.payload ?? Buffer.alloc(0), expected, nativeCrypto)
  assert.equal(statement.brokerId, bench.chain.genesis.origin)
  assert.deepEqual(await takeRequest(connection, packetOf(requestTopic.identity, Buffer.from('short'))), {
    cause: 'request-malformed',
  })
})

test('the admin topic is subject to the access control list', async (t) => {
  const request = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"keys.list"}')
  const denied = await connect(t, false)
  assert.deepEqual(await takeRequest(denied.connection, packetOf(requestTopic.admin, request)), {
    cause: 'access-denied',
  })
  const { connection, sent } = await connect(t)
  assert.equal(await takeRequest(connection, packetOf(requestTopic.admin, request)), 'acknowledge')
  await until(() => sent.length === 1)
  assert.equal(JSON.parse(sent[0]?.payload.toString() ?? '').result.keys.length, 1)
})

test('every other topic of the broker is refused', async (t) => {
  const { connection } = await connect(t)
  for (const topic of ['$SYS/x', keyExchangeResponseTopic('press-7'), '$notary/key-exchange']) {
    assert.deepEqual(await takeRequest(connection, packetOf(topic, Buffer.from('x'))), { cause: 'broker-topic' })
  }
})
