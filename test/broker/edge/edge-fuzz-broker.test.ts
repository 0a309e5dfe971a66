import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { TestAdmin } from '../../helpers/admin.ts'
import { startBroker } from '../../helpers/broker.ts'
import { PacketStream } from '../../helpers/conformance/packet-stream.ts'
import type { Received } from '../../helpers/conformance/received.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { AnsweringBench } from './answering-bench.ts'
import { damagedSession, inChunks, limitsOfSessions, randomSession } from './random-sessions.ts'

const seed = 20_260_103
const sessions = 260
/** A real broker acknowledges later, so its window may not be the limit. */
const limits = { ...limitsOfSessions, receiveMaximum: 1000 }

/** How an edge ends the same session, alone. */
function expected(bytes: Buffer) {
  const bench = new AnsweringBench(limits)
  bench.on.onConnect = () => bench.goOn()
  bench.transport.receive(bytes)
  const isFive = bench.edge.protocolVersion === 5 || bench.transport.copies[0]?.[1] === 3
  const packets = packetsIn(Buffer.from(bench.written(), 'hex'), isFive)
  return { isFive, isEnded: bench.edge.isClosed, reason: bench.closeReason, last: packets.at(-1) }
}

/** @throws {Error} when no server may send this */
function packetsIn(bytes: Buffer, isFive: boolean): readonly Received[] {
  const stream = new PacketStream(isFive ? 5 : 4)
  stream.push(bytes)
  if (stream.fault !== undefined) throw stream.fault
  return stream.takeAll()
}

/** Everything that the broker sends until it closes; it is left to do so where it has to. */
async function answerOf(port: number, chunks: readonly Buffer[], mustClose: boolean): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  // A broker that closes while we still write resets the connection; what it sent before is what counts.
  const errors: Error[] = []
  socket.on('error', (error) => errors.push(error))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  for (const chunk of chunks) socket.write(chunk)
  if (!mustClose) socket.end()
  await closed
  for (const error of errors) assert.match((error as NodeJS.ErrnoException).code ?? '', /^(ECONNRESET|EPIPE)$/)
  return Buffer.concat(received)
}

test(`${sessions} damaged sessions in a row end at a broker as they end at its edge alone, and others go on`, async (t) => {
  const random = new SeededRandom(seed)
  const { port } = await startBroker(t, {
    maxTopicAlias: limits.topicAliasMaximum,
    maxInflightMessages: limits.receiveMaximum,
    maxPacketSize: limits.maximumPacketSize,
  })
  const subscriber = await TestClient.connect(t, port, { keepalive: 0 })
  assert.equal(await subscriber.subscribe('bystander', 1), 1)
  let told = 0
  for (let index = 0; index < sessions; index++) {
    const version = random.pick([3, 4, 5, 5] as const)
    const packets = damagedSession(randomSession(version, random, `fuzz-${index}`), random)
    const bytes = Buffer.concat(packets)
    const what = `session ${index}: ${bytes.toString('hex').slice(0, 2000)}`
    const alone = expected(bytes)
    const got = packetsIn(await answerOf(port, inChunks(bytes, random), alone.isEnded), alone.isFive)
    if (alone.isFive && alone.reason?.startsWith('ERR_MQTT_') === true) {
      const last = got.at(-1)
      const isRefused = last?.type === 'connack' && last.reasonCode >= 0x80
      if (!isRefused) assert.deepEqual([last?.type, last?.reasonCode], [alone.last?.type, alone.last?.reasonCode], what)
      told++
    }
    if (index % 20 === 0) assert.equal(await subscriber.publish('bystander', `${index}`), 0)
  }
  assert.ok(told > sessions / 8, `${told} were told why`)
  const messages = await subscriber.waitFor(sessions / 20, ({ topic }) => topic === 'bystander')
  assert.deepEqual(
    messages.map(({ payload }) => payload.toString()),
    Array.from({ length: sessions / 20 }, (_, i) => `${20 * i}`),
  )
  const admin = await TestAdmin.connect(t, port)
  assert.equal((await admin.request('audit.verify', {})).ok, true)
})
