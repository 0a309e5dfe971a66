import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import type { Will } from '../helpers/conformance/build.ts'
import { copyOfData, countPayloads } from '../helpers/stored-chain.ts'
import { assertVerifies, countOf, hasAll } from './ledger.ts'
import { Subscriber } from './subscriber.ts'
import { connected } from './support.ts'
import type { Level } from './wire.ts'

// engine.md section 6: after kill -9 the bare engine sends wills four minutes late. Here they are published at start,
// once, and recorded like every other publish.

interface Watched {
  readonly broker: SpawnedBroker
  readonly watcher: Subscriber
}

async function watched(t: TestContext): Promise<Watched> {
  const broker = await spawnBroker(t)
  const watcher = new Subscriber(t, { clientId: 'watcher', level: 5, filters: [['will/#', 2]] })
  await watcher.start(broker.port)
  return { broker, watcher }
}

async function killAndRestart(t: TestContext, { port, location, stop }: SpawnedBroker): Promise<SpawnedBroker> {
  assert.equal(await stop('SIGKILL'), 'SIGKILL')
  return spawnBroker(t, { port, location })
}

function connectWithWill(t: TestContext, port: number, level: Level, clientId: string, will: Partial<Will> = {}) {
  const properties = level === 5 ? ([['sessionExpiryInterval', 3600]] as const) : []
  const complete = { topic: `will/${clientId}`, payload: clientId, qos: 1, ...will }
  return connected(t, port, level, { clientId, clean: false, properties, will: complete })
}

const willDelay = (seconds: number) => ({ properties: [['willDelayInterval', seconds]] }) as const

test('wills of clients that were connected when the broker was killed are published at start, once, however often it is killed', async (t) => {
  const { broker, watcher } = await watched(t)
  const { port, location } = broker
  const expected: string[] = []
  // Nobody is connected when they are published, and QoS 0 is not queued.
  const unheard: string[] = []
  for (const level of [4, 5] as const) {
    for (const qos of [0, 1, 2] as const) {
      const clientId = `v${level}-q${qos}`
      await connectWithWill(t, port, level, clientId, { qos })
      ;(qos === 0 ? unheard : expected).push(clientId)
    }
    const left = await connectWithWill(t, port, level, `left-v${level}`)
    await left.disconnect()
    const gone = await connectWithWill(t, port, level, `gone-v${level}`)
    await gone.vanish()
    expected.push(`gone-v${level}`)
  }
  await hasAll(watcher, ['gone-v4', 'gone-v5'], 'the wills of those who vanished before')
  let again = await killAndRestart(t, broker)
  await hasAll(watcher, expected, 'all wills')
  for (let i = 0; i < 2; i++) again = await killAndRestart(t, again)
  const last = await connected(t, port, 5)
  await last.publish({ topic: 'will/end', payload: 'end', qos: 1 })
  await watcher.has('end')
  const heard = watcher.texts.filter((text) => !unheard.includes(text))
  assert.deepEqual([...new Set(heard)].sort(), [...expected, 'end'].sort())
  // With QoS 1 an acknowledgement that a kill swallowed means a repetition.
  for (const text of ['v4-q2', 'v5-q2']) assert.equal(countOf(heard).get(text), 1)
  assert.equal(watcher.sessionsLost, 0)
  assert.equal(await again.stop(), 0)
  const chain = await countPayloads(location, 'will/')
  assert.deepEqual([...chain].sort(), [...countOf([...expected, ...unheard, 'end'])].sort())
  await assertVerifies(location)
})

test('a broker that is killed while it publishes wills after a restart has published each once in the end', async (t) => {
  const { broker, watcher } = await watched(t)
  const { port, location } = broker
  const ids = Array.from({ length: 60 }, (_, i) => `client-${i}`)
  for (const id of ids) await connectWithWill(t, port, 5, id, { qos: 2, retain: true })
  let again = await killAndRestart(t, broker)
  for (let i = 0; i < 2; i++) again = await killAndRestart(t, again)
  await hasAll(watcher, ids, 'all wills')
  const late = new Subscriber(t, { clientId: 'late', level: 4, filters: [['will/#', 1]] })
  await late.start(port)
  await hasAll(late, ids, 'the wills as retained messages')
  assert.ok(late.deliveries.every(({ retain }) => retain))
  assert.equal(await again.stop(), 0)
  assert.deepEqual(
    [...(await countPayloads(location, 'will/')).values()],
    ids.map(() => 1),
  )
  assert.deepEqual(
    [...countOf(watcher.texts).values()],
    ids.map(() => 1),
  )
  await assertVerifies(location)
})

test('a delayed will begins to wait at the start after a kill, and is not sent when its client is back in time', async (t) => {
  const { broker, watcher } = await watched(t)
  const { port, location } = broker
  await connectWithWill(t, port, 5, 'soon', willDelay(1))
  await connectWithWill(t, port, 5, 'much-later', willDelay(3600))
  await connectWithWill(t, port, 5, 'back-in-time', willDelay(4))
  const vanished = await connectWithWill(t, port, 5, 'vanished-before', willDelay(2))
  await vanished.vanish()
  const again = await killAndRestart(t, broker)
  const back = await connected(t, port, 5, {
    clientId: 'back-in-time',
    clean: false,
    properties: [['sessionExpiryInterval', 3600]],
  })
  await hasAll(watcher, ['soon', 'vanished-before'], 'the wills that are due')
  await wait(4500)
  await back.publish({ topic: 'will/end', payload: 'end', qos: 1 })
  await watcher.has('end')
  assert.deepEqual([...watcher.texts].sort(), ['end', 'soon', 'vanished-before'])
  assert.equal(await again.stop(), 0)
  assert.deepEqual([...(await countPayloads(location, 'will/')).keys()].sort(), ['end', 'soon', 'vanished-before'])
  await assertVerifies(location)
})

for (const level of [4, 5] as const) {
  test(`retained messages that were acknowledged are there after kill -9, and cleared ones are not (version ${level})`, async (t) => {
    const broker = await spawnBroker(t)
    const { port, location } = broker
    const publisher = await connected(t, port, level)
    const topics = Array.from({ length: 200 }, (_, i) => `retained/${i}`)
    await publisher.publishAll(
      topics.map((topic, i) => ({ topic, payload: `${topic} first`, qos: 1 + (i % 2), retain: true })),
    )
    await publisher.publishAll(
      topics.slice(0, 100).map((topic) => ({ topic, payload: `${topic} second`, qos: 1, retain: true })),
    )
    await publisher.publishAll(topics.slice(150).map((topic) => ({ topic, qos: 2, retain: true })))
    await killAndRestart(t, broker)
    const subscriber = new Subscriber(t, { clientId: 'late', level, filters: [['retained/#', 2]] })
    await subscriber.start(port)
    const expected = topics.slice(0, 150).map((topic, i) => `${topic} ${i < 100 ? 'second' : 'first'}`)
    await hasAll(subscriber, expected, 'all retained messages')
    const end = await connected(t, port, level)
    await end.publish({ topic: 'retained/end', payload: 'end', qos: 1 })
    await subscriber.has('end')
    assert.deepEqual([...subscriber.texts].sort(), ['end', ...expected].sort())
    const copy = copyOfData(t, location)
    assert.equal((await countPayloads(copy, 'retained/')).size, 200 + 100 + 1 + 1)
  })
}
