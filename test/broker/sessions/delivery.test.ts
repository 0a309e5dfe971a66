import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryRules } from '../../../broker/sessions/delivery-rules.ts'
import { holdWrites } from '../../helpers/held-writes.ts'
import { TestSessions, until } from '../../helpers/test-sessions.ts'

test('[MQTT-5.0 3.8.4-8] a subscriber gets the lower of both QoS, whatever they are', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a')
  for (const qos of [0, 1, 2] as const) await made.subscribe(session, `granted/${qos}`, { qos })
  for (const granted of [0, 1, 2]) {
    for (const qos of [0, 1, 2] as const) made.publish({ topic: `granted/${granted}`, payload: '', qos })
  }
  await made.settled()
  assert.deepEqual(
    link.publishes.map(({ qos }) => qos),
    [0, 0, 0, 0, 1, 1, 0, 1, 2],
  )
})

test('[MQTT-5.0 3.3.4-2] who has several subscriptions that match gets it once, with the best QoS and all identifiers', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a')
  await made.subscribe(session, 'a/#', { qos: 0, subscriptionIdentifier: 3 })
  await made.subscribe(session, 'a/+', { qos: 2, subscriptionIdentifier: 4 })
  await made.subscribe(session, 'a/b', { qos: 1 })
  made.publish({ topic: 'a/b', payload: 'x', qos: 2 })
  await made.settled()
  assert.deepEqual(
    link.publishes.map(({ qos, subscriptionIdentifiers }) => [qos, ...subscriptionIdentifiers]),
    [[2, 3, 4]],
  )
})

test('[MQTT-5.0 3.8.3-3] No Local keeps from a client what it publishes itself, and only that', async (t) => {
  const made = await TestSessions.open(t)
  const a = await made.connect('a')
  const b = await made.connect('b')
  for (const { session } of [a, b]) {
    await made.subscribe(session, 'n', { noLocal: true })
    await made.subscribe(session, 'n0', { noLocal: true, qos: 0 })
  }
  for (const topic of ['n', 'n0']) made.publish({ topic, payload: topic, from: a.session })
  await made.settled()
  assert.deepEqual([a.link.texts, b.link.texts], [[], ['n', 'n0']])
})

test('[MQTT-5.0 3.3.1-12] RETAIN is 0 for those who did not ask to have it as published', async (t) => {
  const made = await TestSessions.open(t)
  const { session, link } = await made.connect('a')
  for (const [topic, retainAsPublished] of [
    ['plain', false],
    ['as', true],
  ] as const) {
    for (const qos of [0, 1] as const) {
      await made.subscribe(session, `${topic}/${qos}`, { retainAsPublished, qos })
      for (const retain of [true, false]) made.publish({ topic: `${topic}/${qos}`, payload: 'x', retain })
    }
  }
  await made.settled()
  const flags = link.publishes.map(({ message, retain }) => [message.topic, retain])
  assert.deepEqual(flags, [
    ['plain/0', false],
    ['plain/0', false],
    ['plain/1', false],
    ['plain/1', false],
    ['as/0', true],
    ['as/0', false],
    ['as/1', true],
    ['as/1', false],
  ])
})

test('a full queue drops for its own session only, and says whose it was', async (t) => {
  const made = await TestSessions.open(t, { maxQueuedMessages: 2, maxInflightMessages: 1 })
  const [a, b] = [await made.connect('a'), await made.connect('b')]
  for (const { session } of [a, b]) await made.subscribe(session, 'q')
  made.drop(a.session, a.link)
  for (let i = 0; i < 5; i++) {
    made.publish({ topic: 'q', payload: `${i}` })
    await made.settled()
    b.session.outbox.puback(i + 1)
  }
  assert.deepEqual(
    [b.link.texts, made.dropped],
    [
      ['0', '1', '2', '3', '4'],
      ['a queue-full', 'a queue-full', 'a queue-full'],
    ],
  )
  await made.restart()
  assert.equal(made.sessions.find('a')?.outbox.size, 2)
})

test('[MQTT-5.0 4.8.2] members of a shared subscription take turns; who is not among them gets everything', async (t) => {
  const made = await TestSessions.open(t)
  const [a, b, other] = [await made.connect('a'), await made.connect('b'), await made.connect('other')]
  for (const { session } of [a, b]) await made.subscribe(session, '$share/g/s/#')
  await made.subscribe(other.session, 's/#')
  for (let i = 0; i < 6; i++) made.publish({ topic: 's/1', payload: `${i}`, qos: i % 2 === 0 ? 1 : 0 })
  await made.settled()
  assert.deepEqual([...a.link.texts, ...b.link.texts].sort(), ['0', '1', '2', '3', '4', '5'])
  assert.deepEqual([a.link.texts.length, b.link.texts.length], [3, 3])
  assert.deepEqual(other.link.texts, ['0', '1', '2', '3', '4', '5'])
})

test('a member that is away gets nothing while another is there; when none is, it is kept', async (t) => {
  const made = await TestSessions.open(t)
  const [a, b] = [await made.connect('a'), await made.connect('b')]
  for (const { session } of [a, b]) await made.subscribe(session, '$share/g/s')
  made.drop(a.session, a.link)
  for (const payload of ['1', '2']) made.publish({ topic: 's', payload })
  await made.settled()
  assert.deepEqual(b.link.texts, ['1', '2'])
  for (const id of [1, 2]) b.session.outbox.puback(id)
  made.drop(b.session, b.link)
  for (const payload of ['3', '4']) made.publish({ topic: 's', payload })
  await made.settled()
  await made.restart()
  const links = [(await made.connect('a')).link, (await made.connect('b')).link]
  await until(() => links.flatMap(({ texts }) => texts).length === 2)
  assert.deepEqual(links.flatMap(({ texts }) => texts).sort(), ['3', '4'])
})

test('[MQTT-5.0 4.8.2-5] what a member did not acknowledge goes to another when its session ends; QoS 2 that was sent does not', async (t) => {
  const made = await TestSessions.open(t)
  const a = await made.connect('a', { expiry: 0, receiveMaximum: 2 })
  await made.subscribe(a.session, '$share/g/s')
  for (const [i, qos] of ([2, 1, 1, 2] as const).entries()) made.publish({ topic: 's', payload: `${i}`, qos })
  await made.settled()
  assert.deepEqual(a.link.texts, ['0', '1'])
  const b = await made.connect('b')
  await made.subscribe(b.session, '$share/g/s')
  made.drop(a.session, a.link)
  await made.settled()
  await until(() => b.link.texts.length === 3)
  assert.deepEqual(b.link.texts, ['1', '2', '3'])
  assert.deepEqual(
    b.link.publishes.map(({ qos, dup }) => [qos, dup]),
    [
      [1, false],
      [1, false],
      [2, false],
    ],
  )
})

test('so does what was still being written for a member when its session ended', async (t) => {
  const made = await TestSessions.open(t)
  const [a, b] = [await made.connect('a', { expiry: 0 }), await made.connect('b')]
  await made.subscribe(a.session, '$share/g/s')
  const { begun, release } = holdWrites(t, made.chain.database)
  made.publish({ topic: 's', payload: 'x', qos: 2 })
  await begun
  // In one group, behind the publish: b becomes a member, a ends.
  const options = {
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifier: 7,
  } as const
  made.inCommit(() => made.sessions.subscribe(b.session, '$share/g/s', options))
  made.drop(a.session, a.link)
  release()
  await made.settled()
  await until(() => b.link.texts.length === 1)
  assert.deepEqual(a.link.texts, [])
  const [sent] = b.link.publishes
  assert.deepEqual([sent?.qos, sent?.dup, sent?.subscriptionIdentifiers], [1, false, [7]])
  assert.equal(await made.stored('queues'), 1)
})

/** Clients read what is below their own name; `boss` reads all. What `gone` published may not be delivered any more. */
const ownTopics: DeliveryRules = {
  readerOf: ({ clientId }) =>
    clientId === 'boss' ? undefined : { mayRead: (topicName) => topicName.startsWith(`${clientId}/`) },
  mayHavePublished: ({ clientId }) => clientId !== 'gone',
}

test('who may not read a topic gets no message of it, with whatever QoS, though the subscription matches', async (t) => {
  const made = await TestSessions.open(t, { rules: ownTopics })
  const [a, boss] = [await made.connect('a'), await made.connect('boss')]
  for (const { session } of [a, boss]) await made.subscribe(session, '#', { qos: 1 })
  for (const topic of ['a/x', 'b/x'])
    for (const qos of [0, 1] as const) made.publish({ topic, payload: `${topic} ${qos}`, qos })
  await made.settled()
  assert.deepEqual(a.link.texts, ['a/x 0', 'a/x 1'])
  assert.deepEqual(boss.link.texts, ['a/x 0', 'a/x 1', 'b/x 0', 'b/x 1'])
})

test('a subscriber that is away is queued only what it may read, also after a restart', async (t) => {
  const made = await TestSessions.open(t, { rules: ownTopics })
  const a = await made.connect('a')
  await made.subscribe(a.session, '#', { qos: 1 })
  made.drop(a.session, a.link)
  for (const topic of ['a/1', 'b/1']) made.publish({ topic, payload: topic })
  await made.settled()
  await made.restart()
  for (const topic of ['a/2', 'b/2']) made.publish({ topic, payload: topic })
  await made.settled()
  const { link } = await made.connect('a', { cleanStart: false })
  await until(() => link.texts.length >= 2)
  assert.deepEqual(link.texts, ['a/1', 'a/2'])
})

test('a shared subscription gives a message to a member that may read it, and to nobody when none may', async (t) => {
  const made = await TestSessions.open(t, { rules: ownTopics })
  const [a, b] = [await made.connect('a'), await made.connect('b')]
  for (const { session } of [a, b]) await made.subscribe(session, '$share/g/#', { qos: 1 })
  for (const topic of ['b/1', 'b/2', 'a/1', 'c/1']) made.publish({ topic, payload: topic })
  await made.settled()
  assert.deepEqual([a.link.texts, b.link.texts], [['a/1'], ['b/1', 'b/2']])
})

test('what a member left goes only to another that may read it, though the message is not in memory any more', async (t) => {
  const made = await TestSessions.open(t, { rules: ownTopics })
  const [boss, a] = [await made.connect('boss'), await made.connect('a')]
  await made.subscribe(boss.session, '$share/g/#', { qos: 1 })
  for (const topic of ['a/1', 'b/1']) made.publish({ topic, payload: topic })
  await made.settled()
  await made.subscribe(a.session, '$share/g/#', { qos: 1 })
  made.inCommit(() => {
    boss.session.expiryIntervalSeconds = 0
    made.sessions.closeSession(boss.session, boss.link)
  })
  await until(() => a.link.texts.length > 0)
  await made.settled()
  assert.deepEqual(a.link.texts, ['a/1'])
})

test('retained messages are sent to those only who may read them, while who published them still might', async (t) => {
  const made = await TestSessions.open(t, { rules: ownTopics })
  const [a, gone] = [await made.connect('a'), await made.connect('gone')]
  for (const topic of ['a/1', 'b/1']) made.publish({ topic, payload: topic, retain: true })
  made.publish({ topic: 'a/2', payload: 'a/2', retain: true, from: gone.session })
  await made.settled()
  await made.subscribe(a.session, '#', { qos: 1 })
  assert.deepEqual(a.link.texts, ['a/1'])
  await made.restart()
  const again = await made.connect('a', { cleanStart: true })
  await made.subscribe(again.session, '#', { qos: 1 })
  assert.deepEqual(again.link.texts, ['a/1'])
})

test('a rule that changes holds for those who are subscribed already', async (t) => {
  let isOpen = false
  const rules: DeliveryRules = {
    readerOf: () => (isOpen ? undefined : { mayRead: () => false }),
    mayHavePublished: () => true,
  }
  const made = await TestSessions.open(t, { rules })
  const { session, link } = await made.connect('a')
  await made.subscribe(session, '#', { qos: 1 })
  made.publish({ topic: 'before', payload: 'before' })
  await made.settled()
  isOpen = true
  made.sessions.applyRules()
  made.publish({ topic: 'after', payload: 'after' })
  await made.settled()
  assert.deepEqual(link.texts, ['after'])
})

test('what the broker announces reaches subscribers in the order of the chain, is kept for later ones, and in no record', async (t) => {
  const made = await TestSessions.open(t)
  const first = await made.connect('first')
  await made.subscribe(first.session, '$SYS/#', { qos: 2 })
  const { size } = made.chain.state.frontier
  made.sessions.announce('$SYS/broker/uptime', Buffer.from('1 seconds'), true)
  made.sessions.announce('$SYS/broker/log', Buffer.from('passing'), false)
  await made.settled()
  assert.deepEqual(first.link.texts, ['1 seconds', 'passing'])
  const later = await made.connect('later')
  await made.subscribe(later.session, '$SYS/#', { qos: 2 })
  assert.deepEqual(
    later.link.publishes.map(({ qos, retain }) => [qos, retain]),
    [[0, true]],
  )
  made.sessions.announce('$SYS/broker/uptime', Buffer.alloc(0), true)
  await made.settled()
  assert.equal(made.sessions.retained.size, 0)
  assert.equal(made.chain.state.frontier.size, size)
  await made.restart()
  assert.equal(made.sessions.retained.size, 0, 'nothing of it is on disk')
})

test('with queue_qos0_messages QoS 0 waits for who is away, in order, also over a restart, and comes once', async (t) => {
  const made = await TestSessions.open(t, { queueQos0Messages: true })
  const { session, link } = await made.connect('a', { cleanStart: false })
  await made.subscribe(session, 'q/#', { qos: 1 })
  made.publish({ topic: 'q/live', payload: 'live', qos: 0 })
  await made.settled()
  assert.deepEqual(link.texts, ['live'])
  made.drop(session, link)
  for (const [payload, qos] of [
    ['1', 0],
    ['2', 1],
    ['3', 0],
  ] as const)
    made.publish({ topic: 'q/x', payload, qos })
  made.sessions.announce('q/own', Buffer.from('of the broker'), false)
  await made.settled()
  await made.restart()
  const again = await made.connect('a', { cleanStart: false })
  await until(() => again.link.texts.length === 3)
  assert.deepEqual(
    again.link.publishes.map(({ qos, packetId }) => [qos, packetId > 0]),
    [
      [0, false],
      [1, true],
      [0, false],
    ],
  )
  assert.deepEqual(again.link.texts, ['1', '2', '3'])
  // A crash: what was sent is sent again with QoS 1, not with QoS 0.
  await made.restart()
  const last = await made.connect('a', { cleanStart: false })
  await until(() => last.link.texts.length > 0)
  await made.settled()
  assert.deepEqual(last.link.texts, ['2'])
})
