import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IncomingAliases, OutgoingAliases } from '../../../broker/edge/topic-aliases.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { throwsMqtt } from './helpers.ts'

test('an alias stands for the topic that it was last sent with', () => {
  const aliases = new IncomingAliases(2)
  assert.equal(aliases.resolve(1, 'a'), 'a')
  assert.equal(aliases.resolve(1, ''), 'a')
  assert.equal(aliases.resolve(2, 'b'), 'b')
  assert.equal(aliases.resolve(1, 'c'), 'c')
  assert.deepEqual([aliases.resolve(1, ''), aliases.resolve(2, '')], ['c', 'b'])
})

test('an alias above the maximum is invalid, with and without a topic; one without meaning a protocol error', () => {
  // [MQTT-5.0 3.3.2-9], [MQTT-5.0 3.3.4]
  const aliases = new IncomingAliases(2)
  throwsMqtt(() => aliases.resolve(3, 'a'), 'ERR_MQTT_TOPIC_ALIAS_INVALID')
  throwsMqtt(() => aliases.resolve(3, ''), 'ERR_MQTT_TOPIC_ALIAS_INVALID')
  throwsMqtt(() => aliases.resolve(2, ''), 'ERR_MQTT_PROTOCOL_ERROR')
  throwsMqtt(() => new IncomingAliases(0).resolve(1, 'a'), 'ERR_MQTT_TOPIC_ALIAS_INVALID')
})

test('whatever is sent and dropped, a client that follows our aliases reads the topics that were meant', () => {
  const topics = fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__', 'constructor')
  const messages = fc.array(fc.record({ topic: topics, isDropped: fc.boolean() }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), messages, (maximum, sent) => {
      const outgoing = new OutgoingAliases(maximum)
      const client = new IncomingAliases(maximum)
      for (const { topic, isDropped } of sent) {
        const alias = outgoing.for(topic)
        if (alias === undefined) continue
        if (isDropped) {
          // As the edge does with a packet that is too large.
          if (alias.isNew) outgoing.forget(topic)
          continue
        }
        assert.equal(client.resolve(alias.number, alias.isNew ? topic : ''), topic)
      }
    }),
    { seed: fcSeed, numRuns: 500 },
  )
})

test('the topics that came first keep their aliases; others get none', () => {
  const aliases = new OutgoingAliases(2)
  assert.deepEqual(aliases.for('a'), { number: 1, isNew: true })
  assert.deepEqual(aliases.for('b'), { number: 2, isNew: true })
  assert.equal(aliases.for('c'), undefined)
  assert.deepEqual(aliases.for('a'), { number: 1, isNew: false })
  assert.equal(aliases.for('c'), undefined)
})
