import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { spawnBroker } from '../helpers/broker.ts'
import { countPayloads } from '../helpers/stored-chain.ts'
import { Device, type DeviceMessage, type DeviceOptions, messages } from './device.ts'
import { assertVerifies, hasAll } from './ledger.ts'
import { Subscriber } from './subscriber.ts'
import { versions } from './support.ts'
import type { Level } from './wire.ts'

// engine.md section 6, "live loss": with LevelDB below, the bare engine lost a tenth of ordinary pipelined traffic and
// reordered more. Every message exactly once, each publisher's in its order, to whoever is online and whoever was not.

const lines = ['max_queued_messages 0', 'max_inflight_messages 0']

interface Audience {
  readonly all: ReadonlyMap<string, Subscriber>
  /** Starts those who were away. */
  readonly drain: () => Promise<void>
}

async function audience(t: TestContext, port: number, level: Level, qos: 1 | 2): Promise<Audience> {
  const of = (clientId: string, clean: boolean) =>
    new Subscriber(t, { clientId, level, filters: [['order/#', qos]], clean })
  const [clean, online, offline] = [of('clean', true), of('online', false), of('offline', false)]
  for (const subscriber of [clean, online, offline]) await subscriber.start(port)
  await offline.stop()
  return { all: new Map(Object.entries({ clean, online, offline })), drain: () => offline.start(port) }
}

/** Each got every message of each device once, in the order in which the device published. */
async function assertExact(subscribers: Iterable<readonly [string, Subscriber]>, devices: readonly Device[]) {
  for (const [who, subscriber] of subscribers) {
    const wanted = devices.flatMap((device) => device.messages.map(({ text }) => text))
    await hasAll(subscriber, wanted, who)
    for (const device of devices) {
      const ours = new Set(device.messages.map(({ text }) => text))
      const got = subscriber.texts.filter((text) => ours.has(text))
      assert.deepEqual(
        got,
        device.messages.map(({ text }) => text),
        who,
      )
    }
    assert.equal(subscriber.deliveries.length, wanted.length, `${who}: nothing else`)
    assert.deepEqual([subscriber.connections, subscriber.sessionsLost], [who === 'offline' ? 2 : 1, 0])
    assert.equal(subscriber.deliveries.filter(({ dup }) => dup).length, 0, `${who}: nothing was sent twice`)
  }
}

async function campaign(
  t: TestContext,
  level: Level,
  devices: readonly Device[],
  // QoS 0 is for who is there, and that of a queue is not kept.
  keepsQos0: boolean,
  qos: 1 | 2 = 2,
): Promise<void> {
  const broker = await spawnBroker(t, { lines })
  const { all, drain } = await audience(t, broker.port, level, qos)
  const outcomes = await Promise.all(devices.map((device) => device.run(broker.port)))
  assert.deepEqual(new Set(outcomes), new Set(['complete']))
  const live = [...all].filter(([who]) => who !== 'offline')
  await assertExact(live, devices)
  await drain()
  if (keepsQos0) await assertExact(all, devices)
  else {
    const offline = all.get('offline') as Subscriber
    const queued = devices.map((device) => device.messages.filter((message) => message.qos > 0))
    await assertExact(
      [['offline', offline]],
      queued.map((messages) => new Device(messages, { clientId: 'kept', level, window: 1 })),
    )
  }
  assert.equal(await broker.stop(), 0)
  const chain = await countPayloads(broker.location, 'order/')
  for (const { text } of devices.flatMap((device) => device.messages)) assert.equal(chain.get(text), 1)
  await assertVerifies(broker.location)
}

const device = (wanted: readonly DeviceMessage[], clientId: string, options: Partial<DeviceOptions> = {}) =>
  new Device(wanted, { clientId, level: 4, window: 500, ...options })

for (const { name, level } of versions) {
  test(`10,000 pipelined QoS 1 publishes reach clean, persistent and offline subscribers once and in order (${name})`, (t) =>
    campaign(t, level, [device(messages('m', 10_000, { topic: 'order/1', qos: 1 }), 'one', { level })], true))

  test(`QoS 1 and 2 of several publishers reach all subscribers once, each in order (${name})`, (t) => {
    const devices = [1, 2, 1, 2].map((qos, i) =>
      device(messages(`d${i} `, 1500, { topic: `order/${i}`, qos: qos as 1 | 2 }), `d${i}`, { level, window: 200 }),
    )
    return campaign(t, level, devices, true)
  })

  test(`a publisher that mixes QoS 0, 1 and 2 on one topic is heard in its order (${name})`, (t) => {
    const mixed = messages('m', 3000, { topic: 'order/mixed', qos: 0 }).map((message, i) => ({
      ...message,
      qos: (i % 3) as 0 | 1 | 2,
    }))
    return campaign(t, level, [device(mixed, 'mixed', { level, window: 100 })], false)
  })

  test(`beside publishers of QoS 0 and of retained messages nothing of QoS 1 is lost (${name})`, (t) => {
    const end = (n: number): DeviceMessage => ({ topic: 'order/end', text: `end${n}`, qos: 1 })
    const devices = [
      device(messages('one ', 2000, { topic: 'order/1', qos: 1 }), 'one', { level }),
      device([...messages('zero ', 2000, { topic: 'order/0', qos: 0 }), end(0)], 'zero', { level }),
      device([...messages('kept ', 1000, { topic: 'order/r', qos: 0, retain: true }), end(1)], 'kept', { level }),
      device(messages('kept1 ', 1000, { topic: 'order/r1', qos: 1, retain: true }), 'kept1', { level }),
    ]
    return campaign(t, level, devices, false)
  })
}

for (const { name, level } of versions) {
  test(`20 publishers that vanish by reset in the middle lose nothing of what was recorded (${name}, engine section 13)`, async (t) => {
    const broker = await spawnBroker(t, { lines })
    const { all, drain } = await audience(t, broker.port, level, 1)
    const devices = Array.from({ length: 20 }, (_, i) => {
      let count = 0
      const one: Device = device(messages(`v${i} `, 100, { topic: `order/${i}`, qos: 1 }), `v${i}`, {
        level,
        window: 40,
        onAcknowledged: () => {
          if (++count === 1 + 3 * i) one.vanish()
        },
      })
      return one
    })
    await Promise.all(devices.map((one) => one.run(broker.port)))
    await drain()
    const end = device([{ topic: 'order/end', text: 'end', qos: 1 }], 'end', { level })
    assert.equal(await end.run(broker.port), 'complete')
    for (const subscriber of all.values()) await subscriber.has('end')
    assert.equal(await broker.stop(), 0)
    const recorded = [...(await countPayloads(broker.location, 'order/')).keys()]
    for (const [who, subscriber] of all) assert.deepEqual([...subscriber.texts].sort(), [...recorded].sort(), who)
    for (const { text } of devices.flatMap((one) => one.acknowledged)) assert.ok(recorded.includes(text))
  })
}
