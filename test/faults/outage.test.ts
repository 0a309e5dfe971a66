import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { atEnd } from '../helpers/cleanup.ts'
import {
  acknowledgementBytes,
  connectBytes,
  persistent,
  pingBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes,
} from '../helpers/conformance/build.ts'
import { memoryBytes, peakMemoryBytes } from '../helpers/memory.ts'
import { countPayloads } from '../helpers/stored-chain.ts'
import { Device, messages } from './device.ts'
import { startFaultyBroker } from './faulty-broker.ts'
import { assertKept, assertVerifies, hasAll } from './ledger.ts'
import { Subscriber } from './subscriber.ts'
import { connected, newClientId, openPeer, versions } from './support.ts'
import { isTaken } from './wire.ts'

// While the store takes no writes: who waits is told or cut off, who reads goes on, and nobody can fill the memory.

const serverUnavailable = 0x88
const never = 1_000_000
const lasting = { skip: 0, failures: ['not stored'], failingOpens: never } as const

for (const { name, level } of versions) {
  test(`during an outage a CONNECT is refused with a reason, who listens stays, and a stop loses nothing (${name})`, async (t) => {
    const broker = await startFaultyBroker(t)
    const before = new Device(messages('before ', 50, { topic: 'out/1', qos: 2 }), { clientId: 'd', level, window: 20 })
    assert.equal(await before.run(broker.port), 'complete')
    const listener = await connected(t, broker.port, level)
    await listener.subscribe([['out/#', 1]])
    const publisher = await connected(t, broker.port, level)
    await broker.arm(lasting)
    publisher.write(publishBytes(level, { topic: 'out/1', payload: 'unanswered', qos: 1 }))
    if (level === 5) assert.equal((await publisher.next('disconnect')).reasonCode, 0x83)
    await publisher.closed()
    await listener.ping()
    const stranger = await openPeer(t, broker.port, level)
    assert.equal((await stranger.connect()).reasonCode, level === 5 ? serverUnavailable : 3)
    await broker.logged(/ERR_STORE_FAILED/)
    await broker.stop()
    const again = await startFaultyBroker(t, { location: broker.location })
    assert.equal(await again.stop(), 0)
    assertKept(before.acknowledged, await countPayloads(broker.location, 'out/'), 'the chain')
    await assertVerifies(broker.location)
  })

  for (const [what, bytes] of [
    ['UNSUBSCRIBEs', unsubscribeBytes(level, 1, ['x'])],
    ['SUBSCRIBEs', subscribeBytes(level, 1, [['x', 1]])],
    ['PUBRELs', acknowledgementBytes('pubrel', 1)],
    ['pings', pingBytes],
    ['publishes with QoS 0', publishBytes(level, { topic: 'x', payload: 'y' })],
    ['publishes with QoS 2 under one packet id', publishBytes(level, { topic: 'x', qos: 2, packetId: 7 })],
  ] as const) {
    test(`16 MB of ${what} during an outage are not kept in memory (${name})`, async (t) => {
      const broker = await startFaultyBroker(t)
      const socket = connect({ host: '127.0.0.1', port: broker.port, noDelay: true })
      atEnd(t, () => socket.destroy())
      socket.on('error', () => {
        // Being cut off is one of the answers.
      })
      socket.write(connectBytes({ level, clientId: 'flood', clean: false }))
      await once(socket, 'data')
      const publisher = await connected(t, broker.port, level)
      await broker.arm(lasting)
      publisher.write(publishBytes(level, { topic: 'out/1', qos: 1 }))
      await publisher.closed()
      socket.resume()
      const before = memoryBytes(broker.child)
      const chunk = Buffer.concat(Array.from({ length: Math.floor(65_536 / bytes.length) }, () => bytes))
      for (let i = 0; i < 256 && !socket.destroyed; i++) {
        if (socket.write(chunk)) continue
        if (!(await isTaken(socket))) break
      }
      const grown = peakMemoryBytes(broker.child) - before
      t.diagnostic(`${Math.round(grown / 1e6)} MB`)
      assert.ok(grown < 120 * 1024 * 1024, `${grown} bytes`)
      assert.equal(broker.child.exitCode, null)
    })
  }
}

for (const { name, level } of versions) {
  test(`a queue that is being read from disk when the store fails is delivered to the end (${name})`, async (t) => {
    const first = await startFaultyBroker(t)
    const fields = { clientId: newClientId('drain'), ...persistent(level, 3600) }
    const away = await connected(t, first.port, level, fields)
    await away.subscribe([['out/#', 1]])
    await away.disconnect()
    const device = new Device(messages('x'.repeat(1000), 8000, { topic: 'out/1', qos: 1 }), {
      clientId: 'd',
      level,
      window: 100,
    })
    assert.equal(await device.run(first.port), 'complete')
    await first.stop()
    // Nothing of the queue is in memory now.
    const broker = await startFaultyBroker(t, { location: first.location, maxInflightMessages: 5 })
    const subscriber = new Subscriber(t, { clientId: fields.clientId, level, filters: [['out/#', 1]] })
    await subscriber.start(broker.port)
    await broker.arm({ skip: 0, failures: ['not stored'], failingOpens: 2 })
    const trigger = new Device(messages('trigger ', 1, { topic: 'elsewhere', qos: 1 }), {
      clientId: 't',
      level,
      window: 1,
    })
    await trigger.finish(broker.port)
    await hasAll(
      subscriber,
      device.messages.map(({ text }) => text),
      'the queue',
    )
    assert.equal(subscriber.connections, 1)
  })
}
