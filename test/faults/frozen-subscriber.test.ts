import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { atEnd } from '../helpers/cleanup.ts'
import { connectBytes, pingBytes, publishBytes, subscribeBytes } from '../helpers/conformance/build.ts'
import { peakMemoryBytes } from '../helpers/memory.ts'
import { Device, messages } from './device.ts'
import { hasAll } from './ledger.ts'
import { Subscriber } from './subscriber.ts'
import { type Attacked, assertUnharmed, attacked, connected, versions } from './support.ts'
import { isTaken, type Level, sessionFields } from './wire.ts'

// engine.md section 8: with the bare engine one subscriber that stops reading stalls everybody.

/** All messages together are more than the kernel takes for a socket that nobody reads. */
const padding = 'x'.repeat(8000)
const publisherCount = 60
const perPublisher = 30

/** A client that never reads again once its subscription is there. */
async function frozen(t: TestContext, port: number, level: Level, clientId: string, qos: 0 | 1 | 2): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  atEnd(t, () => socket.destroy())
  socket.on('error', () => {
    // Being cut off is one of the answers.
  })
  await once(socket, 'connect')
  socket.write(connectBytes({ clientId, ...sessionFields(level, qos === 0) }))
  socket.write(subscribeBytes(level, 1, [['t/#', qos]]))
  let received = 0
  while (received < (level === 5 ? 10 : 9)) received += ((await once(socket, 'data')) as [Buffer])[0].length
  socket.pause()
  return socket
}

/** Sixty publishers at once, and what the others get of it. */
async function load(t: TestContext, { port }: Attacked): Promise<readonly string[]> {
  const other = new Subscriber(t, { clientId: 'other', level: 5, filters: [['t/#', 1]] })
  const unrelated = new Subscriber(t, { clientId: 'unrelated', level: 4, filters: [['u', 0]] })
  for (const subscriber of [other, unrelated]) await subscriber.start(port)
  const devices = Array.from({ length: publisherCount }, (_, i) => {
    const options = { topic: `t/${i}`, qos: 1 } as const
    return new Device(messages(`${i} ${padding} `, perPublisher, options), { clientId: `p${i}`, level: 4, window: 20 })
  })
  const finished = Promise.all(devices.map((device) => device.run(port)))
  const beside = await connected(t, port, 5)
  for (let i = 0; i < 80; i++) await beside.publish({ topic: 'u', payload: `u${i}`, qos: 1 })
  assert.deepEqual(new Set(await finished), new Set(['complete']))
  const texts = devices.flatMap(({ messages: sent }) => sent.map(({ text }) => text))
  await hasAll(unrelated, ['u79'], 'the unrelated topic')
  assert.equal(unrelated.deliveries.length, 80)
  await hasAll(other, texts, 'the other subscriber')
  assert.equal(other.deliveries.length, texts.length)
  return texts
}

for (const { name, level } of versions) {
  test(`a subscriber with QoS 0 that stops reading harms nobody but itself (${name}, engine section 8)`, async (t) => {
    const setting = await attacked(t)
    await frozen(t, setting.port, level, 'frozen', 0)
    await load(t, setting)
    await assertUnharmed(setting, 'a frozen subscriber')
  })

  for (const qos of [1, 2] as const) {
    test(`a subscriber with QoS ${qos} that stops reading harms nobody, and loses nothing (${name}, engine section 8)`, async (t) => {
      const setting = await attacked(t)
      const socket = await frozen(t, setting.port, level, 'frozen', qos)
      const texts = await load(t, setting)
      await assertUnharmed(setting, 'a frozen subscriber')
      socket.destroy()
      const back = new Subscriber(t, { clientId: 'frozen', level, filters: [['t/#', qos]] })
      await back.start(setting.port)
      await hasAll(back, texts, 'what waited for it')
      assert.equal(back.deliveries.length, texts.length)
    })
  }
}

/** Writes until all is written, the connection is gone, or nothing is taken any more. */
async function writeAll(socket: Socket, bytes: Buffer, times: number): Promise<void> {
  for (let i = 0; i < times && !socket.destroyed; i++) {
    if (socket.write(bytes)) continue
    if (!(await isTaken(socket))) return
  }
}

for (const { name, level } of versions) {
  for (const [what, bytes, megabytes] of [
    ['pings', pingBytes, 4],
    // Each of which is recorded.
    ['publishes with QoS 1', publishBytes(level, { topic: 'f', qos: 1, packetId: 1 }), 1],
    ['SUBSCRIBEs', subscribeBytes(level, 1, [['f', 0]]), 4],
    ['PUBRELs', Buffer.from([0x62, 2, 0, 9]), 4],
  ] as const) {
    test(`a client that sends ${megabytes} MB of ${what} and reads no answer harms nobody (${name}, engine section 8)`, async (t) => {
      const setting = await attacked(t)
      const socket = await frozen(t, setting.port, level, 'frozen', 0)
      const chunk = Buffer.concat(Array.from({ length: Math.floor(65_536 / bytes.length) }, () => bytes))
      await writeAll(socket, chunk, 16 * megabytes)
      await assertUnharmed(setting, what)
    })
  }

  test(`a client that subscribes to 1,000 retained messages thousands of times at once harms nobody (${name})`, async (t) => {
    const setting = await attacked(t)
    const publisher = await connected(t, setting.port, level)
    await publisher.publishAll(
      Array.from({ length: 1000 }, (_, i) => ({ topic: `r/${i}`, payload: padding, qos: 1, retain: true })),
    )
    const before = peakMemoryBytes(setting.broker.child)
    const socket = await frozen(t, setting.port, level, 'frozen', 0)
    const subscribe = subscribeBytes(level, 1, [['r/#', 0]])
    await writeAll(socket, Buffer.concat(Array.from({ length: 4000 }, () => subscribe)), 1)
    await assertUnharmed(setting, '4,000 SUBSCRIBEs')
    t.diagnostic(`${Math.round((peakMemoryBytes(setting.broker.child) - before) / 1e6)} MB more than before`)
  })
}

test('a SUBSCRIBE that 140,000 retained messages match gets them all, and harms nobody', async (t) => {
  const setting = await attacked(t)
  const count = 140_000
  const sent = Array.from(
    { length: count },
    (_, i) => ({ topic: `r/${i}`, text: `${i}`, qos: 0, retain: true }) as const,
  )
  const device = new Device([...sent, { topic: 'end', text: 'end', qos: 1 }], { clientId: 'd', level: 4, window: 10 })
  assert.equal(await device.run(setting.port), 'complete')
  const subscriber = new Subscriber(t, { clientId: 'all', level: 5, filters: [['r/#', 0]] })
  await subscriber.start(setting.port)
  await subscriber.until(() => subscriber.deliveries.length >= count, 'all retained messages')
  assert.equal(new Set(subscriber.texts).size, count)
  await assertUnharmed(setting, '140,000 retained messages')
})
