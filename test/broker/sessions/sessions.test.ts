import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { fcSeed } from '../../helpers/arbitraries.ts'
import type { TestLink } from '../../helpers/test-link.ts'
import { TestSessions, until } from '../../helpers/test-sessions.ts'

const will = (delayIntervalSeconds: number) => ({
  topic: 'will',
  payload: Buffer.from('gone'),
  qos: 1 as const,
  retain: false,
  properties: undefined,
  delayIntervalSeconds,
})

/** Everything that a session may leave on disk. */
const parts = ['states', 'subscriptions', 'queues', 'received', 'incoming', 'wills'] as const

async function storedParts(made: TestSessions): Promise<Record<string, number>> {
  const counts = await Promise.all(parts.map(async (part) => [part, await made.stored(part)] as const))
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

test('a session that nobody took up is not there; one that was left is, until a clean start', async (t) => {
  const made = await TestSessions.open(t)
  assert.equal((await made.connect('a')).isPresent, false)
  assert.equal((await made.connect('a')).isPresent, true)
  assert.equal((await made.connect('a', { cleanStart: true })).isPresent, false)
  assert.equal(made.sessions.count, 1)
})

test('a session that ends with its connection leaves nothing, in memory or on disk', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a', { expiry: 0, will: will(0), publishWill: false })
  await made.subscribe(session, 'a/#')
  made.publish({ topic: 'a/1', payload: 'x' })
  await made.settled()
  assert.deepEqual(link.texts, ['x'])
  made.drop(session, link)
  await made.settled()
  assert.deepEqual([made.sessions.count, await storedParts(made)], [0, {}])
})

test('subscriptions, queue, and QoS 2 exchanges of both directions are there after a restart', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a')
  const options = {
    qos: 2,
    noLocal: true,
    retainAsPublished: true,
    retainHandling: 1,
    subscriptionIdentifier: 9,
  } as const
  await made.subscribe(session, 'a/#', options)
  for (const payload of ['1', '2', '3']) made.publish({ topic: 'a/1', payload, qos: 2, retain: payload === '3' })
  made.inCommit(() => {
    session.incoming.set(77, { link: { sendAcknowledgement: () => {} }, isSettled: true, isStored: true })
    made.sessions.store.putIncoming(session, 77)
  })
  await made.settled()
  session.outbox.pubrec(2, false)
  await made.settled()
  assert.deepEqual(link.log, ['p1', 'p2', 'p3', 'r2'])
  await made.restart()
  const again = await made.connect('a')
  assert.equal(again.isPresent, true)
  assert.deepEqual([...again.session.subscriptions], [['a/#', options]])
  assert.deepEqual([...again.session.incoming.keys()], [77])
  await until(() => again.link.log.length === 3)
  assert.deepEqual(again.link.log, ['P1', 'r2', 'P3'])
  const retain = again.link.publishes.map((sent) => [sent.retain, ...sent.subscriptionIdentifiers])
  assert.deepEqual(retain, [
    [false, 9],
    [true, 9],
  ])
})

test('[MQTT-5.0 3.3.1-1] what was queued for a client that was away has no DUP, also after a restart', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a')
  await made.subscribe(session, '#')
  for (const payload of ['1', '2', '3']) made.publish({ topic: 'a', payload })
  await made.settled()
  for (const id of [1, 2, 3]) session.outbox.puback(id)
  made.drop(session, link)
  await made.settled()
  await made.restart()
  made.publish({ topic: 'a', payload: '4' })
  await made.settled()
  await made.restart()
  const { link: again } = await made.connect('a')
  await until(() => again.publishes.length > 0)
  assert.deepEqual(
    again.publishes.map(({ message, dup }) => [`${message.payload}`, dup]),
    [['4', false]],
  )
})

test('[MQTT-5.0 3.1.2-23] a session is there until its Session Expiry Interval is over, also across restarts', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a', { expiry: 100 })
  await made.subscribe(session, '#')
  made.drop(session, link)
  await made.settled()
  made.nowMs += 99_000
  await made.restart()
  assert.equal(made.sessions.count, 1)
  made.nowMs += 2_000
  await made.restart()
  await until(() => made.sessions.count === 0)
  await made.settled()
  assert.deepEqual(await storedParts(made), {})
})

test('a session that was connected at a crash lives on from the next start', async (t) => {
  const made = await TestSessions.open(t)
  await made.connect('a', { expiry: 100 })
  await made.connect('forever', { expiry: 0xffff_ffff })
  made.nowMs += 1e9
  await made.restart()
  assert.equal(made.sessions.count, 2)
  made.nowMs += 1e9
  await made.restart()
  await until(() => made.sessions.count === 1)
  assert.ok(made.sessions.find('forever'))
})

test('[MQTT-5.0 3.1.2-8] the will of a client that was connected at a crash is published at the next start, once', async (t) => {
  const made = await TestSessions.open(t)
  await made.connect('a', { will: will(0) })
  await made.connect('b', { will: will(0), expiry: 0 })
  assert.equal(made.wills.length, 0)
  await made.restart()
  await until(() => made.wills.length === 2)
  assert.deepEqual(made.wills.map(({ publisher }) => publisher.clientId).sort(), ['a', 'b'])
  made.inCommit(() => {
    for (const stored of made.wills) made.sessions.willSettled(stored)
  })
  await made.settled()
  assert.equal(await made.stored('wills'), 0)
})

test('[MQTT-5.0 3.1.3-9] a delayed will is not published when the session goes on in time', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a', { will: will(3600) })
  made.drop(session, link)
  await made.settled()
  await made.restart()
  await made.connect('a')
  made.nowMs += 4_000_000
  await made.restart()
  assert.deepEqual([made.wills, await made.stored('wills')], [[], 0])
})

test('[MQTT-5.0 3.1.2-8] a delayed will is published when its session ends before', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a', { will: will(3600) })
  made.drop(session, link)
  await made.settled()
  assert.equal(made.wills.length, 0)
  await made.connect('a', { cleanStart: true })
  assert.equal(made.wills.length, 1)
})

test('[MQTT-5.0 3.1.2-8] so is one whose client was connected at a crash, when the session ends before the delay', async (t) => {
  const made = await TestSessions.open(t)
  await made.connect('a', { will: will(3600), expiry: 0 })
  await made.connect('b', { will: will(3600), expiry: 1 })
  await made.restart()
  await until(() => made.wills.length === 1)
  assert.equal(made.wills[0]?.publisher.clientId, 'a', 'its session ended with the connection')
  await made.connect('b', { cleanStart: true })
  assert.equal(made.wills.length, 2)
})

test('a clean start behind a publish that is being written leaves nothing of the old queue on disk', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a')
  await made.subscribe(session, '#')
  made.drop(session, link)
  await made.settled()
  // The group of the first is being written when the second decides.
  made.publish({ topic: 'a', payload: 'of the old session' })
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  const fresh = await made.connect('a', { cleanStart: true })
  assert.deepEqual([fresh.isPresent, await made.stored('queues')], [false, 0])
  await made.restart()
  const resumed = await made.connect('a')
  assert.deepEqual(resumed.link.texts, [])
})

test('when the chain is closed or has failed, what comes then is told of and harms nobody', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a', { expiry: 1 })
  await made.subscribe(session, '#')
  made.publish({ topic: 'a', payload: 'x', qos: 2 })
  made.drop(session, link)
  await made.settled()
  await made.chain.close()
  made.nowMs += 2000
  made.sessions.start()
  made.sessions.whenDurable(() => assert.fail('nothing is durable any more'))
  await until(() => made.errors.length >= 3)
  for (const error of made.errors) assert.equal((error as { code?: string }).code, 'ERR_CHAIN_CLOSED')
})

test('nothing is written with persistence false, and sessions are there until the end all the same', async (t) => {
  const made = await TestSessions.open(t, { isPersistent: false })
  const { session, link } = await made.connect('a', { will: will(0) })
  await made.subscribe(session, '#')
  made.drop(session, link)
  made.publish({ topic: 'a', payload: 'x', retain: true, qos: 2 })
  await made.settled()
  const again = await made.connect('a')
  await until(() => again.link.texts.length > 0)
  assert.deepEqual([again.isPresent, again.link.texts], [true, ['x']])
  assert.deepEqual([await storedParts(made), await made.stored('retained')], [{}, 0])
  await made.restart()
  assert.equal((await made.connect('a')).isPresent, false)
})

const step = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('publish 1', 'publish 2', 'publish 1 retained') },
  { weight: 8, arbitrary: fc.constantFrom('acknowledge oldest', 'acknowledge newest') },
  { weight: 2, arbitrary: fc.constantFrom('connect', 'drop', 'settle', 'turn') },
  { weight: 1, arbitrary: fc.constantFrom('restart') },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** A client of the property below: knows what it got and what of that it acknowledged. */
class Model {
  readonly made: TestSessions
  published = 0
  /** Payloads in the order in which they came for the first time; QoS 2 ones when their exchange began. */
  readonly first: number[] = []
  readonly acknowledged = new Set<number>()
  /** QoS 2 packet ids that the client holds: PUBREC sent, PUBCOMP not. */
  #open = new Map<number, { payload: number; qos: number; isReceived: boolean }>()
  #link: TestLink | undefined

  constructor(made: TestSessions) {
    this.made = made
  }

  async run(one: Step): Promise<void> {
    const { made } = this
    if (one.startsWith('publish')) {
      const qos = one === 'publish 2' ? 2 : 1
      made.publish({ topic: 'p', payload: `${this.published++}`, qos, retain: one.endsWith('retained') })
    } else if (one === 'settle') await made.settled()
    else if (one === 'turn') await new Promise((resolve) => setImmediate(resolve))
    else if (one === 'connect') this.#link = (await made.connect('a')).link
    else if (one === 'drop' && this.#link !== undefined) {
      const session = made.sessions.find('a')
      if (session !== undefined) made.drop(session, this.#link)
      this.#link = undefined
      await made.settled()
    } else if (one === 'restart') {
      this.#look()
      this.#link = undefined
      await made.restart()
    } else this.#acknowledge(one === 'acknowledge oldest' ? 0 : -1)
    this.#look()
  }

  /** Takes and acknowledges everything. */
  async finish(): Promise<void> {
    await this.run('connect')
    const isDone = () => this.acknowledged.size === this.published && this.#open.size === 0
    for (let turns = 0; turns < 100_000 && !isDone(); turns++) {
      await this.run('turn')
      await this.run('acknowledge oldest')
    }
  }

  #look(): void {
    for (const { message, packetId, qos, dup } of this.#link?.publishes.splice(0) ?? []) {
      const payload = Number(Buffer.from(message.payload).toString())
      const known = this.#open.get(packetId)
      assert.ok(known === undefined || known.payload === payload, 'an id in flight is not used for another message')
      if (qos === 2) assert.ok(!this.acknowledged.has(payload), 'QoS 2 is delivered once')
      if (!this.first.includes(payload)) this.first.push(payload)
      else assert.ok(dup, 'a redelivery says so')
      this.#open.set(packetId, known ?? { payload, qos, isReceived: false })
    }
  }

  #acknowledge(at: 0 | -1): void {
    const session = this.made.sessions.find('a')
    const found = [...this.#open].at(at)
    if (session === undefined || found === undefined || this.#link === undefined) return
    const [packetId, one] = found
    if (one.qos === 2 && !one.isReceived) {
      one.isReceived = true
      // From here on the client has it, whatever it is sent again.
      this.acknowledged.add(one.payload)
      session.outbox.pubrec(packetId, false)
      return
    }
    if (one.qos === 2 && !this.#link.log.includes(`r${packetId}`)) return
    this.acknowledged.add(one.payload)
    this.#open.delete(packetId)
    if (one.qos === 1) session.outbox.puback(packetId)
    else session.outbox.pubcomp(packetId)
  }
}

test('whatever happens when, also restarts: everything reaches a session in order, and QoS 2 once', async (t: TestContext) => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const made = await TestSessions.open(t, { maxInflightMessages: 5, maxQueuedMessages: 0 })
    const { session, link } = await made.connect('a')
    await made.subscribe(session, 'p')
    made.drop(session, link)
    const model = new Model(made)
    for (const one of steps) await model.run(one)
    await model.finish()
    assert.deepEqual(
      model.first,
      Array.from({ length: model.published }, (_, i) => i),
    )
    assert.equal(made.sessions.find('a')?.outbox.size, 0)
    await made.restart()
    assert.deepEqual([await made.stored('queues'), await made.stored('received')], [0, 0])
  })
  await fc.assert(property, { seed: fcSeed, numRuns: 25 })
})
