import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import { SeededRandom } from '../helpers/random.ts'
import { copyOfData, countPayloads } from '../helpers/stored-chain.ts'
import { Device, messages } from './device.ts'
import {
  assertFirstInOrder,
  assertKept,
  assertQos2Once,
  assertVerifies,
  assertVerifiesLive,
  type Counts,
  countOf,
  hasAll,
} from './ledger.ts'
import { Subscriber } from './subscriber.ts'

// `kill -9` at random points under load, with subscribers online, offline and sharing: whatever was acknowledged reaches
// each of them, QoS 2 once, and the restart needs nobody's help. The full campaign is `npm run test:kill`.
const rounds = Number(process.env.NOTARYMQ_KILL_ROUNDS ?? 2)
const firstSeed = Number(process.env.NOTARYMQ_KILL_SEED ?? 1)
const perDevice = 400
const lines = ['max_queued_messages 0', 'max_inflight_messages 100']

interface Audience {
  /** Each of these gets everything. */
  readonly alone: ReadonlyMap<string, Subscriber>
  /** These get everything together. */
  readonly sharing: readonly Subscriber[]
  readonly offline: Subscriber
}

async function audience(t: TestContext, port: number): Promise<Audience> {
  const of = (clientId: string, level: 4 | 5, filter: string, qos: 1 | 2) =>
    new Subscriber(t, { clientId, level, filters: [[filter, qos]] })
  const online2 = of('online-q2', 5, 'kill/#', 2)
  const online1 = of('online-q1', 4, 'kill/#', 1)
  const offline = of('offline', 4, 'kill/#', 2)
  const sharing = [of('sharing-v5', 5, '$share/group/kill/#', 2), of('sharing-v4', 4, '$share/group/kill/#', 2)]
  for (const subscriber of [online2, online1, offline, ...sharing]) await subscriber.start(port)
  await offline.stop()
  return { alone: new Map(Object.entries({ online2, online1, offline })), sharing, offline }
}

function devices(onAcknowledged: () => void): Device[] {
  return ([4, 5] as const).flatMap((level) =>
    ([1, 2] as const).map((qos) => {
      const clientId = `device-v${level}-q${qos}`
      const wanted = messages(`${clientId} `, perDevice, { topic: `kill/${clientId}`, qos })
      return new Device(wanted, { clientId, level, window: 50, onAcknowledged })
    }),
  )
}

/** What came without DUP came once for each time that it was recorded. [MQTT-3.1.1 3.3.1-1] */
function assertRepeatedWithDup(subscribers: readonly Subscriber[], chain: Counts, who: string): void {
  const fresh = subscribers.flatMap(({ deliveries }) => deliveries.filter(({ dup }) => !dup))
  for (const [text, count] of countOf(fresh.map(({ text }) => text)))
    assert.ok(count <= (chain.get(text) ?? 0), `${who}: ${text} came ${count} times without DUP`)
}

/** Kills the broker when so many of all messages are acknowledged, and a little later. */
function killer(broker: SpawnedBroker, random: SeededRandom): () => void {
  let count = 0
  const killAt = 1 + random.below(4 * perDevice - 50)
  const delayMs = random.below(15)
  return () => {
    if (++count === killAt) setTimeout(() => broker.child.kill('SIGKILL'), delayMs)
  }
}

for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
  test(`after kill -9 every subscriber gets what was acknowledged, QoS 2 once, in order (seed ${seed})`, async (t) => {
    const random = new SeededRandom(seed)
    const broker = await spawnBroker(t, { lines })
    const { port, location } = broker
    const { alone, sharing, offline } = await audience(t, port)
    const publishers = devices(killer(broker, random))
    const isDead = () => broker.child.signalCode !== null || broker.child.killed
    await Promise.all(publishers.map((device) => device.finish(port, isDead)))
    assert.equal(await broker.stop('SIGKILL'), 'SIGKILL')
    const before = publishers.flatMap(({ acknowledged }) => acknowledged)
    t.diagnostic(`killed after ${before.length} of ${4 * perDevice} acknowledgements`)
    // Looking at a copy keeps the restart unaided: opening a LevelDB repairs it.
    assertKept(before, await countPayloads(copyOfData(t, location), 'kill/'), 'the chain when it died')

    const again = await spawnBroker(t, { location, port, lines })
    await Promise.all(publishers.map((device) => device.finish(port)))
    await offline.start(port)
    const all = publishers.flatMap(({ acknowledged }) => acknowledged)
    const texts = all.map(({ text }) => text)
    assert.equal(all.length, 4 * perDevice)
    for (const [who, subscriber] of alone) await hasAll(subscriber, texts, who)
    const [first, second] = sharing as [Subscriber, Subscriber]
    const isShared = () => new Set([...first.texts, ...second.texts]).size === all.length
    await first.until(isShared, 'the group has everything')
    await assertVerifiesLive(t, port)
    for (const one of [...publishers, ...alone.values(), ...sharing]) assert.equal(one.sessionsLost, 0)
    assert.equal(await again.stop(), 0)

    const chain = await countPayloads(location, 'kill/')
    assertKept(all, chain, 'the chain')
    for (const [who, subscriber] of alone) {
      assertRepeatedWithDup([subscriber], chain, who)
      if (who !== 'online1') assertQos2Once(all, countOf(subscriber.texts), who)
      for (const device of publishers) assertFirstInOrder(device, subscriber.texts, who)
    }
    assertRepeatedWithDup(sharing, chain, 'the group')
    assertQos2Once(all, countOf([...first.texts, ...second.texts]), 'the group')
    await assertVerifies(location)
  })
}
