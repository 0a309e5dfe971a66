import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { Authority } from '../../broker/certificates/authority.ts'
import { parseHostName } from '../../broker/certificates/names.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** A broker with a plain and a TLS listener, where `safe/#` asks for TLS. */
async function site(t: TestContext) {
  const authority = await Authority.open(temporaryDirectory(t))
  const { certFile, keyFile } = await authority.issueServer(['127.0.0.1'].map(parseHostName), 1, false)
  const common = { protocol: 'mqtt', port: 0, host: '127.0.0.1' } as const
  const { broker } = await startBroker(t, {
    listeners: [common, { ...common, tls: { certFile, keyFile } }],
    protect: [{ filter: 'safe/#', tls: true }],
  })
  const [plain, tls] = broker.listeners.map(({ name }) => name)
  const over = (isTls: boolean, options: IClientOptions = {}) => {
    const ca = readFileSync(authority.certFile)
    return TestClient.connect(t, (isTls ? tls : plain) ?? '', { ...options, ...(isTls ? { ca } : undefined) })
  }
  return { broker, over }
}

test('a topic that asks for TLS takes publishes over TLS alone, and leaks to no client without: live, queued, retained', async (t) => {
  const { broker, over } = await site(t)
  const [plain, secure] = [await over(false), await over(true)]
  for (const client of [plain, secure]) assert.equal(await client.subscribe('#', 1), 1)
  const away = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } }
  const first = await over(false, away)
  await first.subscribe('#', 1)
  await first.end()
  assert.equal(await plain.publish('safe/a', 'refused'), 0x87)
  assert.deepEqual({ ...broker.counters.refused }, { 'tls-required': 1 })
  assert.equal(await secure.publish('safe/a', 'live', { qos: 1, retain: true }), 0)
  assert.equal(await secure.publish('open', 'end'), 0)
  const topics = (client: TestClient) => client.received.map(({ topic }) => topic)
  await Promise.all([plain.waitFor(1), secure.waitFor(2)])
  assert.deepEqual([topics(plain), topics(secure)], [['open'], ['safe/a', 'open']])
  const late = await over(false)
  await late.subscribe('#', 1)
  await secure.publish('open', 'again')
  await late.waitFor(1)
  assert.deepEqual(topics(late), ['open'])
  const again = await over(false, away)
  await again.waitFor(2)
  assert.deepEqual(topics(again), ['open', 'open'])
})

test('a session that comes back without TLS is not sent what was queued for it while it had TLS', async (t) => {
  const { over } = await site(t)
  const session = { clientId: 'mobile', clean: false, properties: { sessionExpiryInterval: 600 } }
  const secure = await over(true, session)
  await secure.subscribe('#', 1)
  await secure.end()
  const writer = await over(true)
  await writer.publish('safe/a', 'secret')
  const plain = await over(false, session)
  await writer.publish('open', 'end')
  assert.deepEqual(
    (await plain.waitFor(1)).map(({ topic }) => topic),
    ['open'],
  )
})

test('a will for such a topic fires when its client came over TLS; otherwise it is refused when it is left', async (t) => {
  const { broker, over } = await site(t)
  const watcher = await over(true)
  await watcher.subscribe('safe/#', 1)
  const will = { topic: 'safe/gone', payload: Buffer.from('gone'), qos: 1, retain: false } as const
  await assert.rejects(over(false, { will }), { code: 0x87 })
  const client = await over(true, { will })
  client.mqtt.stream.destroy()
  const [fired] = await watcher.waitFor(1)
  assert.equal(`${fired?.payload}`, 'gone')
  assert.equal(broker.counters.refused['tls-required'], 1)
})
