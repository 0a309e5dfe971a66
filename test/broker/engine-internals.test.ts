import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes'
import AsyncLevelPersistence from 'aedes-persistence-level/asyncPersistence.js'
import { cleanIncoming, hardenBroker, hardenClient } from '../../broker/engine-internals.ts'
import { isOpenQos2, sendDirect } from '../../plugins/aedes-seams.ts'
import { openStoreDatabase } from '../../plugins/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { acknowledgement, connectPacket, publishPacket, subscribePacket } from '../helpers/mqtt-bytes.ts'
import { RawMqtt } from '../helpers/raw-mqtt.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

// Everything that broker/engine-internals.ts and plugins/aedes-seams.ts use of Aedes beyond its documentation. When one
// of these fails after an update of the engine, a guard has stopped guarding.

/** The private parts in question. */
interface Internals {
  clients: Record<string, Client>
  brokers: Record<string, number>
  persistence: Record<string, unknown>
}
interface ClientInternals {
  subscriptions: Record<string, { qos: number }>
  duplicates: Record<string, number>
  _parser: NodeJS.EventEmitter
  broker: unknown
}
const internalsOf = (aedes: Aedes) => aedes as unknown as Internals
const clientInternals = (client: Client) => client as unknown as ClientInternals

const unexpected = (error: unknown) => assert.fail(String(error))

/** A bare engine on a port. */
async function engine(t: TestContext, options: AedesOptions = {}): Promise<{ aedes: Aedes; port: number }> {
  const aedes = await Aedes.createBroker(options)
  const server = createServer((socket) => aedes.handle(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, async () => {
    await new Promise<void>((resolve) => aedes.close(() => resolve()))
    server.close()
  })
  const address = server.address()
  return { aedes, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

test('the packages are the versions that these guards were written for', () => {
  const require = createRequire(import.meta.url)
  const versionOf = (name: string) => {
    const path = require.resolve(name).replace(new RegExp(`(.*node_modules/${name})/.*`), '$1/package.json')
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
  }
  assert.equal(versionOf('aedes'), '2.0.0-beta.1')
  assert.equal(versionOf('aedes-persistence-level'), '9.2.0')
  assert.equal(versionOf('aedes-packet'), '4.0.1')
  assert.equal(versionOf('websocket-stream'), '5.5.2')
  assert.match(versionOf('ws'), /^8\./)
})

test('clients and brokers are plain objects until the guard gives them no prototype, and the engine goes on with ours', async (t) => {
  const { aedes, port } = await engine(t)
  const internals = internalsOf(aedes)
  for (const field of ['clients', 'brokers'] as const) {
    assert.equal(Object.getPrototypeOf(internals[field]), Object.prototype, field)
  }
  hardenBroker(aedes, unexpected)
  const { clients, brokers } = internals
  for (const guarded of [clients, brokers]) assert.equal(Object.getPrototypeOf(guarded), null)
  await RawMqtt.connect(t, port, { clientId: '__proto__' })
  assert.equal(internals.clients, clients)
  assert.equal(Object.hasOwn(clients, '__proto__'), true)
})

test('the memory store rejects a PUBREL for a packet that is gone, and the guard answers it', async (t) => {
  const { aedes, port } = await engine(t)
  const { persistence } = internalsOf(aedes)
  const remove = persistence.incomingDelPacket as (client: Client, packet: unknown) => Promise<unknown>
  const client = { id: 'x' } as Client
  await assert.rejects(remove.call(persistence, client, { messageId: 1 }), { message: 'no such packet' })
  const errors: unknown[] = []
  hardenBroker(aedes, (error) => errors.push(error))
  const guarded = persistence.incomingDelPacket as typeof remove
  await guarded(client, { messageId: 1 })
  const raw = await RawMqtt.connect(t, port, { clientId: 'x' })
  raw.write(publishPacket({ topic: 't', payload: 'x', qos: 2, packetId: 1 }))
  await raw.next('pubrec')
  raw.write(...Array.from({ length: 10 }, () => acknowledgement('pubrel', 1)))
  for (let i = 0; i < 10; i++) await raw.next('pubcomp')
  assert.deepEqual(errors, [])
})

test('a failure of the store other than "no such packet" is reported, not swallowed', async (t) => {
  const { aedes } = await engine(t)
  const failure = new Error('disk')
  const { persistence } = internalsOf(aedes)
  persistence.incomingDelPacket = () => Promise.reject(failure)
  const errors: unknown[] = []
  hardenBroker(aedes, (error) => errors.push(error))
  await (persistence.incomingDelPacket as (...args: unknown[]) => Promise<unknown>)({ id: 'x' }, {})
  assert.deepEqual(errors, [failure])
})

/** An engine whose clients are hardened or not, and its first client with a subscription. */
async function oneSubscriber(t: TestContext, filter: string, isHardened: boolean) {
  const clients: Client[] = []
  const { aedes, port } = await engine(t, {
    preConnect: (client, _packet, answer) => {
      for (const field of ['subscriptions', 'duplicates'] as const) {
        assert.equal(Object.getPrototypeOf(clientInternals(client)[field]), Object.prototype, field)
      }
      if (isHardened) hardenClient(client)
      clients.push(client)
      answer(null, true)
    },
  })
  const raw = await RawMqtt.connect(t, port, { clientId: 'x' })
  raw.write(subscribePacket(1, [filter], 1))
  await raw.next('suback')
  return { aedes, raw, client: clientInternals(clients[0] ?? assert.fail()) }
}

test('subscriptions of a client are a plain object until the guard, and the engine goes on with ours', async (t) => {
  const { client } = await oneSubscriber(t, 'constructor', true)
  assert.equal(Object.getPrototypeOf(client.subscriptions), null)
  assert.deepEqual(
    Object.entries(client.subscriptions).map(([filter, { qos }]) => [filter, qos]),
    [['constructor', 1]],
  )
})

test('the engine drops what looks older than what a client got, and with the guard it does not', async (t) => {
  for (const isHardened of [false, true]) {
    const { aedes, raw, client } = await oneSubscriber(t, '#', isHardened)
    const publish = (topic: string, brokerCounter: number) => {
      const packet = { cmd: 'publish', qos: 0, retain: false, dup: false, topic, payload: 'x' } as const
      aedes.publish({ ...packet, brokerId: 'other', brokerCounter } as PublishPacket, () => {})
    }
    for (const [topic, counter] of [
      ['1', 1000],
      ['2', 999],
      ['3', 1001],
    ] as const)
      publish(topic, counter)
    const topics: string[] = []
    while (topics.at(-1) !== '3') topics.push((await raw.next('publish')).body.toString('utf8', 2, 3))
    assert.deepEqual(topics, isHardened ? ['1', '2', '3'] : ['1', '3'])
    assert.deepEqual(Object.keys(client.duplicates), isHardened ? [] : ['other'])
  }
})

test('the guard sees a packet before the engine does, also in the read that brings the CONNECT', async (t) => {
  const events: string[] = []
  const { port } = await engine(t, {
    preConnect: (client, _packet, answer) => {
      const parser = clientInternals(client)._parser
      assert.deepEqual(
        parser.listeners('packet').map(({ name }) => name),
        ['enqueue'],
      )
      hardenClient(client)
      assert.deepEqual(
        parser.listeners('packet').map(({ name }) => name),
        ['refusePrototypeFilter', 'enqueue'],
      )
      answer(null, true)
    },
    authorizeSubscribe: (_client, { topic }, answer) => {
      events.push(topic)
      answer(null, null)
    },
  })
  const raw = await RawMqtt.open(t, port)
  raw.write(connectPacket({ clientId: 'x' }), subscribePacket(1, ['a', '__proto__'], 1))
  await raw.closed
  assert.deepEqual(events.includes('__proto__'), false)
})

test('the LevelDB persistence forgets open QoS 2 exchanges when asked; the one in memory cannot', async (t) => {
  const database = await openStoreDatabase(temporaryDirectory(t))
  atEnd(t, () => database.close())
  const sessions = database.sublevel<string, string>('sessions', { keyEncoding: 'utf8', valueEncoding: 'utf8' })
  const { aedes, port } = await engine(t, { persistence: new AsyncLevelPersistence(sessions) })
  const seen: Client[] = []
  aedes.on('client', (client) => seen.push(client))
  const raw = await RawMqtt.connect(t, port, { clientId: 'x', clean: false })
  raw.write(publishPacket({ topic: 't', payload: 'x', qos: 2, packetId: 3 }))
  await raw.next('pubrec')
  const packet = { messageId: 3 } as PublishPacket
  const [client] = seen
  assert.ok(client !== undefined)
  assert.deepEqual(
    [await isOpenQos2(client, packet), await isOpenQos2(client, { messageId: 4 } as PublishPacket)],
    [true, false],
  )
  await cleanIncoming(aedes, 'x')
  assert.equal(await isOpenQos2(client, packet), false)
  const memory = await engine(t)
  assert.equal(internalsOf(memory.aedes).persistence.cleanIncoming, undefined)
  await cleanIncoming(memory.aedes, 'x')
})

test('a client knows its broker, which publishes; a will is a packet without a command', async (t) => {
  const wills: PublishPacket[] = []
  const { aedes, port } = await engine(t, {
    authorizePublish: (_client, packet, answer) => {
      wills.push(packet)
      answer(null)
    },
  })
  const seen: Client[] = []
  aedes.on('client', (client) => seen.push(client))
  const raw = await RawMqtt.connect(t, port, { clientId: 'x', will: { topic: 'will', payload: 'bye', qos: 1 } })
  assert.equal(clientInternals(seen[0] ?? assert.fail()).broker, aedes)
  raw.reset()
  await once(aedes, 'clientDisconnect')
  assert.deepEqual([wills[0]?.topic, wills[0]?.cmd], ['will', undefined])
})

test('a message to one connection passes the filter for duplicates, whatever else is on its way', async (t) => {
  const { aedes, port } = await engine(t)
  const seen: Client[] = []
  aedes.on('client', (client) => seen.push(client))
  const raw = await RawMqtt.connect(t, port, { clientId: 'x' })
  raw.write(subscribePacket(1, ['#'], 0))
  await raw.next('suback')
  const client = seen[0] ?? assert.fail()
  for (let i = 0; i < 20; i++) {
    sendDirect(client, { topic: `direct/${i}`, payload: Buffer.from('x') }, unexpected)
    aedes.publish({ cmd: 'publish', qos: 0, retain: false, dup: false, topic: `routed/${i}`, payload: 'x' }, () => {})
  }
  const topics: string[] = []
  for (let i = 0; i < 40; i++) {
    const { body } = await raw.next('publish')
    topics.push(body.toString('utf8', 2, 2 + body.readUInt16BE(0)))
  }
  const numbered = (kind: string) => Array.from({ length: 20 }, (_, i) => `${kind}/${i}`)
  assert.deepEqual(
    topics.filter((topic) => topic.startsWith('direct')),
    numbered('direct'),
  )
  assert.deepEqual(
    topics.filter((topic) => topic.startsWith('routed')),
    numbered('routed'),
  )
})
