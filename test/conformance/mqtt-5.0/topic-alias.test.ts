import assert from 'node:assert/strict'
import { persistent, publishBytes } from '../../helpers/conformance/build.ts'
import { assertDisconnected, messagesUntilNow, texts } from '../../helpers/conformance/expectations.ts'
import { valuesOf } from '../../helpers/conformance/properties.ts'
import { type BrokerUnderTest, conformance, newClientId, newTopic } from '../../helpers/conformance/suite.ts'

/** A connection, with the Topic Alias Maximum of the server. */
async function connectForAliases(broker: BrokerUnderTest) {
  const { peer, connack } = await broker.connectWithAnswer(5)
  const [maximum = 0] = valuesOf(connack.properties, 'topicAliasMaximum')
  assert.ok(typeof maximum === 'number')
  return { peer, maximum }
}

conformance('topic aliases', (test) => {
  test('[MQTT-5.0 3.3.2-12] every alias from 1 to the maximum of the server is accepted, and can be set anew', async (broker) => {
    const { peer, maximum } = await connectForAliases(broker)
    assert.ok(maximum > 0, 'CONNACK announces a Topic Alias Maximum, as Mosquitto does')
    const topic = newTopic()
    await peer.subscribe([[`${topic}/+`, 0]])
    const aliases = [1, Math.ceil(maximum / 2), maximum]
    for (const alias of aliases) {
      await peer.publish({ topic: `${topic}/${alias}`, properties: [['topicAlias', alias]], payload: 'set' })
      await peer.publish({ topic: '', properties: [['topicAlias', alias]], payload: 'used' })
      await peer.publish({ topic: `${topic}/x${alias}`, properties: [['topicAlias', alias]], payload: 'set anew' })
      await peer.publish({ topic: '', properties: [['topicAlias', alias]], payload: 'used anew' })
    }
    const messages = await messagesUntilNow(peer, peer)
    assert.deepEqual(
      messages.map(({ topicName, payload }) => `${topicName.slice(topic.length + 1)} ${payload}`),
      aliases.flatMap((alias) => [`${alias} set`, `${alias} used`, `x${alias} set anew`, `x${alias} used anew`]),
    )
    assert.ok(messages.every(({ properties }) => properties.length === 0))
  })

  test('[MQTT-5.0 3.3.2-7] an alias ends with its connection, also when the session goes on', async (broker) => {
    const session = { clientId: newClientId(), ...persistent(5) }
    const before = await broker.connect(5, session)
    const topic = newTopic()
    assert.ok((await before.publish({ topic, qos: 1, properties: [['topicAlias', 1]] })) < 0x80)
    await before.disconnect()
    const after = await broker.connect(5, session)
    after.write(publishBytes(5, { topic: '', qos: 1, packetId: 1, properties: [['topicAlias', 1]] }))
    await assertDisconnected(after, 0x82, 0x94)
  })

  test('[MQTT-5.0 3.3.2-8] alias 0 ends the connection', async (broker) => {
    const { peer } = await connectForAliases(broker)
    peer.write(publishBytes(5, { topic: newTopic(), properties: [['topicAlias', 0]] }))
    await assertDisconnected(peer, 0x81, 0x82, 0x94)
  })

  test('[MQTT-5.0 3.2.2-17, 3.3.2-9] an alias above the maximum of the server ends the connection with 0x94', async (broker) => {
    const { peer, maximum } = await connectForAliases(broker)
    peer.write(publishBytes(5, { topic: newTopic(), properties: [['topicAlias', maximum + 1]] }))
    await assertDisconnected(peer, 0x94)
  })

  test('[MQTT-5.0 4.13.1-1] an alias that was never set ends the connection with 0x82', async (broker) => {
    const { peer, maximum } = await connectForAliases(broker)
    peer.write(publishBytes(5, { topic: '', properties: [['topicAlias', maximum]] }))
    await assertDisconnected(peer, 0x82)
  })

  test('[MQTT-5.0 4.13.1-1] an alias twice in one PUBLISH ends the connection', async (broker) => {
    const { peer } = await connectForAliases(broker)
    const properties = [
      ['topicAlias', 1],
      ['topicAlias', 1],
    ] as const
    peer.write(publishBytes(5, { topic: newTopic(), properties }))
    await assertDisconnected(peer, 0x81, 0x82)
  })

  for (const properties of [[], [['topicAliasMaximum', 0]]] as const) {
    test(`[MQTT-5.0 3.1.2-27] a client ${properties.length === 0 ? 'without Topic Alias Maximum' : 'with Topic Alias Maximum 0'} gets no aliases, but the topic`, async (broker) => {
      const topic = newTopic()
      const peer = await broker.connect(5, { properties })
      await peer.subscribe([[topic, 0]])
      for (const payload of ['1', '2', '3']) await peer.publish({ topic, payload })
      for (const message of await messagesUntilNow(peer, peer)) {
        assert.equal(message.topicName, topic)
        assert.deepEqual(valuesOf(message.properties, 'topicAlias'), [])
      }
    })
  }

  test('[MQTT-5.0 3.1.2-26, 3.3.2-8, 3.3.2-11] a client with Topic Alias Maximum 2 gets no alias above 2, and all messages', async (broker) => {
    const topic = newTopic()
    const peer = await broker.connect(5, { properties: [['topicAliasMaximum', 2]] })
    await peer.subscribe([[`${topic}/+`, 0]])
    const sent = ['a', 'b', 'c', 'a', 'b', 'c', 'c']
    for (const last of sent) await peer.publish({ topic: `${topic}/${last}`, payload: last })
    const aliases = new Map<number, string>()
    const got = []
    while (got.length < sent.length) {
      const message = await peer.receive()
      const [alias] = valuesOf(message.properties, 'topicAlias')
      if (typeof alias === 'number') {
        assert.ok(alias === 1 || alias === 2, `alias ${alias}`)
        if (message.topicName !== '') aliases.set(alias, message.topicName)
        assert.equal(aliases.get(alias), `${topic}/${message.payload}`)
      } else assert.equal(message.topicName, `${topic}/${message.payload}`)
      got.push(message)
    }
    assert.deepEqual(texts(got), sent)
  })
})
