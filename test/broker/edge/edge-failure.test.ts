import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InboundPublish } from '../../../broker/connection/inbound-publish.ts'
import type { EdgeHandler } from '../../../broker/edge/edge-handler.ts'
import { startBroker } from '../../helpers/broker.ts'
import {
  acknowledgementBytes,
  disconnectBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes,
} from '../../helpers/conformance/build.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { RawMqtt } from '../../helpers/raw-mqtt.ts'
import { connectOf, EdgeBench, hex, messageTo } from './edge-support.ts'
import { versions } from './helpers.ts'

const boom = new Error('boom')
const throwing = () => {
  throw boom
}

for (const version of versions) {
  const level = version === 5 ? 5 : 4
  const packets: Partial<Record<keyof EdgeHandler, Buffer>> = {
    onPublish: publishBytes(level, { topic: 't' }),
    onAcknowledgement: acknowledgementBytes('puback', 1),
    onSubscribe: subscribeBytes(level, 1, [['a', 0]]),
    onUnsubscribe: unsubscribeBytes(level, 1, ['a']),
    onDisconnect: disconnectBytes(),
  }

  for (const [name, packet] of Object.entries(packets)) {
    test(`version ${version}: an ${name} that throws ends its connection and nothing else, and is reported`, () => {
      const bench = new EdgeBench().connect(version)
      bench.on = { [name]: throwing }
      bench.transport.receive(packet, publishBytes(level, { topic: 'after' }))
      assert.deepEqual(bench.calls.slice(1), [
        ['onFailure', boom],
        ['onClosed', 'ended'],
      ])
      assert.equal(bench.written(), version === 5 ? hex('e0 01 83') : '')
      assert.equal(bench.transport.isEnded, true)
    })
  }

  test(`version ${version}: an onConnect that throws refuses`, () => {
    const bench = new EdgeBench()
    bench.on.onConnect = throwing
    bench.transport.receive(connectOf(version))
    assert.deepEqual(bench.takeNames(), ['onConnect', 'onFailure', 'onClosed'])
    assert.equal(bench.written(), version === 5 ? hex('20 03 00 83 00') : '')
  })
}

test('what a handler throws does not reach who releases or accepts the client: that may be a commit', () => {
  const bench = new EdgeBench()
  bench.on.onPublish = throwing
  bench.transport.receive(connectOf(5), publishBytes(5, { topic: 't' }))
  bench.edge.accept({ sessionPresent: false, code: 0 })
  assert.deepEqual(bench.takeNames(), ['onConnect', 'onPublish', 'onFailure', 'onClosed'])

  const held = new EdgeBench().connect(5)
  held.edge.hold()
  held.on.onPublish = throwing
  held.transport.receive(publishBytes(5, { topic: 't' }))
  held.edge.release()
  assert.deepEqual(held.takeNames(), ['onPublish', 'onFailure', 'onClosed'])
})

test('an onRelief and an onClosed that throw are reported', () => {
  const bench = new EdgeBench().connect(5)
  bench.transport.isFrozen = true
  bench.edge.sendPublish(messageTo('t', Buffer.alloc(1024 * 1024)), 0, false, false, 0)
  assert.equal(bench.edge.isCongested, true)
  bench.on = { onRelief: throwing, onClosed: throwing }
  bench.transport.drain()
  assert.deepEqual(bench.takeNames(), ['onRelief', 'onFailure', 'onClosed', 'onFailure'])
})

test('a broker whose code fails over one packet ends that connection and goes on', async (t) => {
  const { port } = await startBroker(t, { log: { destinations: [{ kind: 'stderr' }], types: [], timestamps: true } })
  const bystander = await TestClient.connect(t, port)
  assert.equal(await bystander.subscribe('#', 1), 1)
  const client = await RawMqtt.connect(t, port, { clientId: 'c', version: 5 })
  const begin = t.mock.method(InboundPublish.prototype, 'begin', throwing)
  client.write(publishBytes(5, { topic: 't', qos: 1 }))
  assert.equal((await client.next('disconnect')).body[0], 0x83)
  await client.closed
  assert.equal(begin.mock.callCount(), 1)
  begin.mock.restore()
  assert.equal(await bystander.publish('t', 'still here'), 0)
  assert.deepEqual(
    (await bystander.waitFor(1)).map(({ payload }) => payload.toString()),
    ['still here'],
  )
})
