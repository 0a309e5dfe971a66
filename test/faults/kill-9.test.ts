import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { nativeCrypto } from '../../plugins/index.ts'
import { signPublish } from '../../protocol/index.ts'
import { type SpawnedBroker, spawnBroker } from '../helpers/broker.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { numberedKey } from '../helpers/keys.ts'
import { SeededRandom } from '../helpers/random.ts'
import { type OutgoingMessage, RawPublisher, type RawPublisherOptions } from '../helpers/raw-publisher.ts'
import { copyOfData, countPayloads } from '../helpers/stored-chain.ts'
import { assertVerifies, assertVerifiesLive } from './ledger.ts'

// What an acknowledgement promises: whatever was acknowledged is in the chain, once, after `kill -9` at any moment. The
// full campaign is `npm run test:kill`; by default it is short.
const rounds = Number(process.env.NOTARYMQ_KILL_ROUNDS ?? 2)
const firstSeed = Number(process.env.NOTARYMQ_KILL_SEED ?? 1)
const device = numberedKey(4711)
const window = 100

/** Application payloads `m0`, `m1`, ... as devices send them. */
function unsignedMessages(count: number): OutgoingMessage[] {
  return Array.from({ length: count }, (_, i) => ({ topic: `kill/${i % 7}`, payload: Buffer.from(`m${i}`) }))
}

function signedMessages(count: number): OutgoingMessage[] {
  const timeMs = Date.now()
  return unsignedMessages(count).map(({ topic, payload }, i) => ({
    topic,
    payload: signPublish(device, device.thumbprint, { topic, payload, seq: i + 1, timeMs }, nativeCrypto),
  }))
}

interface Campaign {
  readonly messages: readonly OutgoingMessage[]
  readonly publisher: Omit<RawPublisherOptions, 'window' | 'onAcknowledged'>
  readonly lines: readonly string[]
}

/** What is on the disk after the kill, and everything needed to go on. */
interface Killed extends Campaign {
  readonly broker: SpawnedBroker
  readonly sender: RawPublisher
}

/** Starts a broker, publishes, and kills the broker when a number of acknowledgements chosen by `seed` has come. */
async function publishUntilKilled(t: TestContext, campaign: Campaign, seed: number): Promise<Killed> {
  const random = new SeededRandom(seed)
  const { messages } = campaign
  const killAt = 1 + random.below(Math.floor(messages.length * 0.9))
  const delayMs = random.below(15)
  const broker = await spawnBroker(t, { lines: campaign.lines })
  let killing: NodeJS.Timeout | undefined
  const sender = new RawPublisher(messages, {
    ...campaign.publisher,
    window,
    onAcknowledged: (count) => {
      if (count === killAt) killing = setTimeout(() => broker.child.kill('SIGKILL'), delayMs)
    },
  })
  await sender.run(broker.port)
  assert.notEqual(killing, undefined, 'the connection ended before the kill')
  assert.equal(await broker.stop('SIGKILL'), 'SIGKILL')
  t.diagnostic(`seed ${seed}: killed after ${sender.acknowledged.length} of ${messages.length} acknowledgements`)
  return { ...campaign, broker, sender }
}

/** Starts the broker again on what the kill left behind, with nobody's help. */
function restart(t: TestContext, { broker, lines }: Killed): Promise<SpawnedBroker> {
  return spawnBroker(t, { location: broker.location, lines })
}

/** The application payload: what the chain keeps of a message. */
const texts = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`)
const textOf = (killed: Killed, message: OutgoingMessage) => `m${killed.messages.indexOf(message)}`

/** Compares the chain on a stopped directory with what was acknowledged. */
async function assertAcknowledgedOnce(killed: Killed, location: string): Promise<void> {
  const counts = await countPayloads(location, 'kill/')
  const acknowledged = killed.sender.acknowledged.map((message) => textOf(killed, message))
  assert.deepEqual(
    acknowledged.filter((text) => !counts.has(text)),
    [],
    'acknowledged and lost',
  )
  assert.deepEqual(
    acknowledged.filter((text) => (counts.get(text) ?? 0) > 1),
    [],
    'acknowledged and recorded twice',
  )
}

/** Everything is there; twice only what was in flight when the broker died. */
function assertDoubledOnlyInFlight(
  { messages }: Killed,
  counts: ReadonlyMap<string, number>,
  acknowledgedBefore: readonly OutgoingMessage[],
): void {
  const all = texts(messages.length)
  assert.deepEqual(
    all.filter((text) => !counts.has(text)),
    [],
    'nothing is missing',
  )
  assert.ok(Math.max(...counts.values()) <= 2)
  const settled = new Set(acknowledgedBefore)
  const doubled = messages.filter((_, i) => counts.get(`m${i}`) === 2)
  assert.deepEqual(
    doubled.filter((message) => settled.has(message)),
    [],
    'acknowledged and recorded twice',
  )
  assert.ok(doubled.length <= window)
}

for (let seed = firstSeed; seed < firstSeed + Math.ceil(rounds / 2); seed++) {
  test(`every signed QoS 1 publish ends in the chain exactly once, though the broker is killed (seed ${seed})`, async (t) => {
    const messages = signedMessages(5000)
    const keys = keysDirectory(t, { device })
    const lines = ['notary_protect kill/# signed', `notary_keys ${keys}`]
    const campaign = { messages, publisher: { clientId: 'device', qos: 1, clean: true }, lines } as const
    const killed = await publishUntilKilled(t, campaign, seed)
    // Looking at a copy keeps the restart unaided: opening a LevelDB repairs it.
    const copy = copyOfData(t, killed.broker.location)
    await assertVerifies(copy)
    await assertAcknowledgedOnce(killed, copy)

    const again = await restart(t, killed)
    await assertVerifiesLive(t, again.port)
    const repeated = killed.sender.acknowledged
    assert.equal(
      await killed.sender.run(again.port),
      'complete',
      'what was not acknowledged is accepted when sent again',
    )
    const replay = new RawPublisher(repeated, { ...killed.publisher, window })
    assert.equal(await replay.run(again.port), 'complete', 'what was acknowledged is acknowledged when sent again')
    await assertVerifiesLive(t, again.port)
    assert.equal(await again.stop(), 0)
    const counts = await countPayloads(killed.broker.location, 'kill/')
    assert.deepEqual(counts, new Map(texts(messages.length).map((text) => [text, 1])))
  })
}

for (let seed = firstSeed; seed < firstSeed + Math.ceil(rounds / 4); seed++) {
  // QoS 1 is "at least once": what was in flight when the broker died may be there twice, and nothing else.
  test(`every acknowledged unsigned QoS 1 publish is in the chain exactly once after a kill (seed ${seed})`, async (t) => {
    const messages = unsignedMessages(2000)
    const campaign = { messages, publisher: { clientId: 'device', qos: 1, clean: true }, lines: [] } as const
    const killed = await publishUntilKilled(t, campaign, seed)
    const copy = copyOfData(t, killed.broker.location)
    await assertVerifies(copy)
    await assertAcknowledgedOnce(killed, copy)

    const again = await restart(t, killed)
    const before = killed.sender.acknowledged
    assert.equal(await killed.sender.run(again.port), 'complete')
    await assertVerifiesLive(t, again.port)
    assert.equal(await again.stop(), 0)
    const counts = await countPayloads(killed.broker.location, 'kill/')
    assertDoubledOnlyInFlight(killed, counts, before)
  })

  test(`every QoS 2 publish of a resumed session is in the chain exactly once after a kill (seed ${seed})`, async (t) => {
    const messages = unsignedMessages(1000)
    const campaign = { messages, publisher: { clientId: 'device', qos: 2, clean: false }, lines: [] } as const
    const killed = await publishUntilKilled(t, campaign, seed)
    const copy = copyOfData(t, killed.broker.location)
    await assertVerifies(copy)
    await assertAcknowledgedOnce(killed, copy)

    const again = await restart(t, killed)
    assert.equal(await killed.sender.run(again.port), 'complete')
    await assertVerifiesLive(t, again.port)
    assert.equal(await again.stop(), 0)
    const counts = await countPayloads(killed.broker.location, 'kill/')
    assert.deepEqual(counts, new Map(texts(messages.length).map((text) => [text, 1])))
  })
}
