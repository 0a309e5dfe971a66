import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { spawnBroker } from '../helpers/broker.ts'
import { Bystander } from '../helpers/bystander.ts'
import { exampleSign1 } from '../helpers/envelopes.ts'
import {
  acknowledgement,
  connectPacket,
  disconnectPacket,
  type MqttVersion,
  pingPacket,
  publishPacket,
  sessionExpiry,
  subscribePacket,
  unsubscribePacket,
  userProperty,
} from '../helpers/mqtt-bytes.ts'
import { mutated, SeededRandom } from '../helpers/random.ts'

// The bare engine died of random bytes after about 40 sessions. Everything here is seeded and bounded; on failure the
// message has the bytes of the sessions after which the broker was gone.

const seed = Number(process.env.NOTARYMQ_FUZZ_SEED ?? 20_260_101)
/** Sessions at a time, and between two looks at the process. */
const batchSize = 20

const adminRequest = '{"jsonrpc":"2.0","id":1,"method":"audit.query","params":{"topic":"a/#","limit":1}}'

/** Opens a connection, writes, closes its half, and waits until the broker has closed the other. */
async function session(port: number, bytes: Uint8Array): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => {
    // The broker may reset what it does not understand.
  })
  socket.resume()
  socket.on('connect', () => socket.end(bytes))
  await new Promise((resolve) => socket.on('close', resolve))
}

/** Runs all sessions; after each batch the broker has to be alive, at the end unharmed. */
async function runSessions(t: TestContext, sessions: readonly Uint8Array[], what: string): Promise<void> {
  t.diagnostic(`seed ${seed}, ${sessions.length} sessions`)
  const broker = await spawnBroker(t, { lines: ['notary_protect signed/# signed'] })
  const bystander = await Bystander.of(t, broker)
  for (let i = 0; i < sessions.length; i += batchSize) {
    const batch = sessions.slice(i, i + batchSize)
    await Promise.all(batch.map((bytes) => session(broker.port, bytes)))
    const hex = batch.map((bytes) => Buffer.from(bytes).toString('hex')).join('\n')
    bystander.assertAlive(`${what}, seed ${seed}, one of the sessions\n${hex}`)
  }
  await bystander.assertUnharmed(what)
}

/** One of each packet that a client may send. */
function packetsOf(version: MqttVersion): readonly [connect: Buffer, ...others: Buffer[]] {
  const five = version === 5
  const properties = five ? { properties: userProperty('name', 'value') } : undefined
  const will = { topic: 'will', payload: 'bye', qos: 1 }
  return [
    connectPacket({ clientId: 'fuzz', version, will }),
    connectPacket({
      clientId: 'other',
      version,
      clean: false,
      ...(five ? { properties: sessionExpiry(1) } : undefined),
    }),
    publishPacket({ topic: 'a/b', payload: 'zero', version, ...properties }),
    publishPacket({ topic: 'a/b', payload: 'one', qos: 1, retain: true, version, ...properties }),
    publishPacket({ topic: 'a/b', payload: 'two', qos: 2, packetId: 3, version, ...properties }),
    publishPacket({ topic: 'plant/1/temp', payload: exampleSign1, qos: 1, packetId: 4, version }),
    publishPacket({ topic: '$notary/admin/request', payload: adminRequest, qos: 1, packetId: 5, version }),
    acknowledgement('puback', 1),
    acknowledgement('pubrec', 2),
    acknowledgement('pubrel', 3),
    acknowledgement('pubcomp', 4),
    subscribePacket(5, ['a/+', '#', 'c'], 2, version),
    unsubscribePacket(6, ['a/+', 'c'], version),
    pingPacket,
    disconnectPacket,
  ]
}

test('random bytes as the first ones of 300 connections harm nobody', async (t) => {
  const random = new SeededRandom(seed)
  const sessions = Array.from({ length: 300 }, () => random.bytes(1 + random.below(300)))
  await runSessions(t, sessions, 'random bytes')
})

test('random bytes after CONNECT harm nobody', async (t) => {
  const random = new SeededRandom(seed + 1)
  const sessions = Array.from({ length: 300 }, (_, i) => {
    const [connected] = packetsOf(i % 2 === 0 ? 4 : 5)
    return Buffer.concat([connected, random.bytes(1 + random.below(300))])
  })
  await runSessions(t, sessions, 'random bytes after CONNECT')
})

for (const version of [4, 5] as const) {
  test(`every packet cut short anywhere harms nobody (version ${version})`, async (t) => {
    const [connected, ...others] = packetsOf(version)
    const cut = (packet: Buffer, before: Buffer) =>
      [...packet.keys()].map((length) => Buffer.concat([before, packet.subarray(0, length)]))
    const sessions = [connected, ...others].flatMap((packet) =>
      cut(packet, packet === connected ? Buffer.alloc(0) : connected),
    )
    await runSessions(t, sessions, 'packets cut short')
  })

  test(`packets with bytes changed, lost, doubled and inserted harm nobody (version ${version})`, async (t) => {
    const random = new SeededRandom(seed + version)
    const packets = packetsOf(version)
    const [connected] = packets
    const sessions = Array.from({ length: 800 }, () => {
      if (random.below(4) === 0) return mutated(connected, random)
      const several = Array.from({ length: 1 + random.below(4) }, () => mutated(random.pick(packets), random))
      return Buffer.concat([connected, ...several])
    })
    await runSessions(t, sessions, 'mutated packets')
  })
}
