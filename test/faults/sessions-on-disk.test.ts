import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type SpawnedBroker, spawnBroker, startBroker } from '../helpers/broker.ts'
import { acknowledgementBytes, persistent, publishBytes } from '../helpers/conformance/build.ts'
import { messagesUntilNow, texts } from '../helpers/conformance/expectations.ts'
import type { Peer } from '../helpers/conformance/peer.ts'
import { type Property, valuesOf } from '../helpers/conformance/properties.ts'
import { connected, connectedWithAnswer, newClientId, versions } from './support.ts'

// engine.md section 6, the table of claims, one test for each row.

function killAndRestart(t: TestContext, { stop, location, port }: SpawnedBroker): Promise<SpawnedBroker> {
  return stop('SIGKILL').then(() => spawnBroker(t, { location, port }))
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)

for (const { name, level } of versions) {
  const session = () => ({ clientId: newClientId('session'), ...persistent(level, 3600) })

  test(`overlapping filters stand for themselves: one more or one less changes none of the others (${name}, "subscription index")`, async (t) => {
    const { port } = await startBroker(t)
    const publisher = await connected(t, port, level)
    const fields = session()
    const first = await connected(t, port, level, fields)
    await first.subscribe([['a/#', 1]])
    await first.subscribe([['a/b', 0]])
    await first.disconnect()
    for (const topic of ['a/b', 'a/c']) await publisher.publish({ topic, payload: `queued ${topic}`, qos: 1 })
    const second = await connected(t, port, level, fields)
    assert.deepEqual(texts(await messagesUntilNow(publisher, second)), ['queued a/b', 'queued a/c'])
    await second.unsubscribe('a/b')
    await publisher.publish({ topic: 'a/b', payload: 'live', qos: 1 })
    const live = await second.receive()
    assert.deepEqual([live.payload.toString(), live.qos], ['live', 1])
    await second.subscribe([['a/b', 1]])
    await second.unsubscribe('a/#')
    await second.disconnect()
    for (const topic of ['a/b', 'a/c']) await publisher.publish({ topic, payload: `again ${topic}`, qos: 1 })
    const third = await connected(t, port, level, fields)
    assert.deepEqual(texts(await messagesUntilNow(publisher, third)), ['again a/b'])
  })

  test(`a session without subscriptions is present, also after kill -9 (${name}, "session present")`, async (t) => {
    let broker = await spawnBroker(t)
    const fields = session()
    for (const isPresent of [false, true, true]) {
      const { peer, connack } = await connectedWithAnswer(t, broker.port, level, fields)
      assert.equal(connack.sessionPresent, isPresent)
      await peer.vanish()
      if (isPresent) broker = await killAndRestart(t, broker)
    }
    const { connack } = await connectedWithAnswer(t, broker.port, level, fields)
    assert.equal(connack.sessionPresent, true)
    const { connack: clean } = await connectedWithAnswer(t, broker.port, level, { ...fields, clean: true })
    assert.equal(clean.sessionPresent, false)
  })

  for (const qos of [1, 2] as const) {
    test(`a redelivery has DUP and its packet id, after a lost connection and after kill -9 (${name}, QoS ${qos}, "DUP on redelivery")`, async (t) => {
      let broker = await spawnBroker(t)
      const fields = session()
      let peer = await connected(t, broker.port, level, fields)
      await peer.subscribe([['dup', qos]])
      const publisher = await connected(t, broker.port, level)
      for (const payload of numbers(20)) await publisher.publish({ topic: 'dup', payload, qos })
      const ids: number[] = []
      for (let i = 0; i < 20; i++) {
        const message = await peer.next('publish')
        assert.equal(message.dup, false)
        ids.push(message.packetId)
      }
      for (const isKilled of [false, true]) {
        await peer.vanish()
        if (isKilled) broker = await killAndRestart(t, broker)
        peer = await connected(t, broker.port, level, fields)
        for (const [i, packetId] of ids.entries()) {
          const message = await peer.next('publish')
          assert.deepEqual([message.payload.toString(), message.dup, message.packetId], [`${i}`, true, packetId])
        }
      }
    })
  }

  test(`between PUBREC and PUBCOMP a restart sends PUBREL again and not the message (${name}, "QoS 2 crash")`, async (t) => {
    const broker = await spawnBroker(t)
    const fields = session()
    const peer = await connected(t, broker.port, level, fields)
    await peer.subscribe([['crash', 2]])
    const publisher = await connected(t, broker.port, level)
    for (const payload of numbers(10)) await publisher.publish({ topic: 'crash', payload, qos: 2 })
    const ids: number[] = []
    for (let i = 0; i < 10; i++) ids.push((await peer.next('publish')).packetId)
    for (const packetId of ids.slice(0, 5)) peer.write(acknowledgementBytes('pubrec', packetId))
    for (let i = 0; i < 5; i++) await peer.next('pubrel')
    const again = await killAndRestart(t, broker)
    const back = await connected(t, again.port, level, fields)
    for (const packetId of ids.slice(0, 5)) {
      assert.equal((await back.next('pubrel')).packetId, packetId)
      back.write(acknowledgementBytes('pubcomp', packetId))
    }
    for (const [i, packetId] of ids.slice(5).entries()) {
      const message = await back.receive()
      assert.deepEqual([message.payload.toString(), message.packetId], [`${i + 5}`, packetId])
    }
    const end = await connected(t, again.port, level)
    assert.deepEqual(await messagesUntilNow(end, back), [])
  })
}

const everyProperty: readonly Property[] = [
  ['payloadFormatIndicator', 1],
  ['messageExpiryInterval', 3600],
  ['contentType', 'text/plain'],
  ['responseTopic', 'answers'],
  ['correlationData', Buffer.from([0, 255])],
  ['userProperty', ['b', '1']],
  ['userProperty', ['a', '2']],
  ['userProperty', ['b', '3']],
]

test('MQTT 5 properties are kept in a queue and of a retained message across kill -9 ("v5 properties in the offline queue")', async (t) => {
  const broker = await spawnBroker(t)
  const fields = { clientId: newClientId(), ...persistent(5, 3600) }
  const away = await connected(t, broker.port, 5, fields)
  await away.subscribe([['props', 1]])
  await away.disconnect()
  const publisher = await connected(t, broker.port, 5)
  await publisher.publish({ topic: 'props', payload: 'x', qos: 1, retain: true, properties: everyProperty })
  const again = await killAndRestart(t, broker)
  const late = await connected(t, again.port, 5)
  await late.subscribe([['props', 1]])
  for (const client of [await connected(t, again.port, 5, fields), late]) {
    const { properties } = await client.receive()
    const expiry = valuesOf(properties, 'messageExpiryInterval')[0] as number
    assert.ok(expiry > 3500 && expiry <= 3600, `${expiry} seconds left`)
    for (const property of ['payloadFormatIndicator', 'contentType', 'responseTopic', 'userProperty'] as const)
      assert.deepEqual(valuesOf(properties, property), valuesOf(everyProperty, property))
    assert.deepEqual(Buffer.from(valuesOf(properties, 'correlationData')[0] as Uint8Array), Buffer.from([0, 255]))
  }
})

test('queued messages carry all matching subscription identifiers, also after kill -9 ("subscription identifiers")', async (t) => {
  const broker = await spawnBroker(t)
  const fields = { clientId: newClientId(), ...persistent(5, 3600) }
  const identifiers = async (peer: Peer) =>
    [...valuesOf((await peer.receive()).properties, 'subscriptionIdentifier')].sort()
  const first = await connected(t, broker.port, 5, fields)
  await first.subscribe([['id/#', 1]], [['subscriptionIdentifier', 7]])
  await first.subscribe([['id/x', 0]], [['subscriptionIdentifier', 268_435_455]])
  await first.subscribe([['other', 1]], [['subscriptionIdentifier', 9]])
  const publisher = await connected(t, broker.port, 5)
  await publisher.publish({ topic: 'id/x', qos: 1 })
  assert.deepEqual(await identifiers(first), [268_435_455, 7])
  await first.disconnect()
  await publisher.publish({ topic: 'id/x', qos: 1 })
  const again = await killAndRestart(t, broker)
  const second = await connected(t, again.port, 5, fields)
  assert.deepEqual(await identifiers(second), [268_435_455, 7])
  const later = await connected(t, again.port, 5)
  await later.publish({ topic: 'id/y', qos: 1 })
  assert.deepEqual(await identifiers(second), [7])
})

test('a session that expired while the broker was down is gone with its queue, one that did not is there ("session expiry")', async (t) => {
  const broker = await spawnBroker(t)
  const sessions = [2, 3600].map((seconds) => ({
    clientId: newClientId(`expiry-${seconds}`),
    ...persistent(5, seconds),
  }))
  for (const fields of sessions) {
    const peer = await connected(t, broker.port, 5, fields)
    await peer.subscribe([['expiry', 1]])
    await peer.disconnect()
  }
  const publisher = await connected(t, broker.port, 5)
  await publisher.publish({ topic: 'expiry', payload: 'queued', qos: 1 })
  await broker.stop('SIGKILL')
  await wait(2500)
  const again = await spawnBroker(t, { location: broker.location })
  for (const [i, fields] of sessions.entries()) {
    const { peer, connack } = await connectedWithAnswer(t, again.port, 5, fields)
    assert.equal(connack.sessionPresent, i === 1)
    const end = await connected(t, again.port, 5)
    assert.deepEqual(texts(await messagesUntilNow(end, peer)), i === 1 ? ['queued'] : [])
  }
})

test('a session resumed with Clean Start 0 and no Session Expiry gets its queue ("resume", section 7 too)', async (t) => {
  const { port } = await startBroker(t)
  const fields = { clientId: newClientId(), ...persistent(5, 3600) }
  const away = await connected(t, port, 5, fields)
  await away.subscribe([['resume', 2]])
  await away.disconnect()
  const publisher = await connected(t, port, 5)
  for (const payload of numbers(50)) await publisher.publish({ topic: 'resume', payload, qos: 2 })
  const { peer, connack } = await connectedWithAnswer(t, port, 5, { clientId: fields.clientId, clean: false })
  assert.equal(connack.sessionPresent, true)
  assert.deepEqual(texts(await messagesUntilNow(publisher, peer)), numbers(50))
})

test('one retained message among 20,000 is found by name and by wildcard, by 20 clients at once ("retained lookup")', async (t) => {
  const { port } = await startBroker(t, {
    log: { destinations: [{ kind: 'stderr' }], types: ['none'], timestamps: true },
  })
  const publisher = await connected(t, port, 4)
  for (let from = 0; from < 20_000; from += 1000) {
    publisher.write(
      ...Array.from({ length: 1000 }, (_, i) =>
        publishBytes(4, { topic: `r/${from + i}/x`, payload: 'x', retain: true }),
      ),
    )
    await publisher.publish({ topic: 'pace', qos: 1 })
  }
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const peer = await connected(t, port, i % 2 === 0 ? 4 : 5)
      await peer.subscribe([[`r/${i * 1000}/x`, 0]])
      assert.equal((await peer.receive()).topicName, `r/${i * 1000}/x`)
      await peer.subscribe([[`+/${i * 1000 + 1}/#`, 1]])
      assert.equal((await peer.receive()).topicName, `r/${i * 1000 + 1}/x`)
    }),
  )
})
