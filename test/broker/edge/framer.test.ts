import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Frame, Framer, maxProtocolPacketBytes } from '../../../broker/edge/index.ts'
import { goldenPackets } from './golden-packets.ts'
import { bytes, throwsMqtt } from './helpers.ts'

/** Bytes of a session: short packets, one of 200 bytes, one of 40,000. */
const packets: readonly Buffer[] = [
  ...goldenPackets.map(({ hex }) => bytes(hex)),
  publish(200 - 3),
  bytes('c0 00'),
  publish(40_000),
  bytes('c0 00'),
]
const session = Buffer.concat(packets)

/** A packet of type 3 with a body of so many bytes. */
function publish(length: number): Buffer {
  const header = length < 128 ? [length] : length < 16_384 ? [(length & 127) | 128, length >> 7] : undefined
  const long = [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]
  return Buffer.concat([Buffer.from([0x30, ...(header ?? long)]), Buffer.alloc(length, length)])
}

/** Frames of these chunks. @param isPulledLate whether all chunks are pushed before the first frame is asked for */
function framesOf(chunks: readonly Buffer[], isPulledLate = false): Frame[] {
  const framer = new Framer(0)
  const frames: Frame[] = []
  const pull = () => {
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) frames.push(frame)
  }
  for (const chunk of chunks) {
    framer.push(chunk)
    if (!isPulledLate) pull()
  }
  pull()
  assert.equal(framer.bufferedBytes, 0)
  return frames
}

function assertSession(frames: readonly Frame[]): void {
  assert.equal(frames.length, packets.length)
  for (const [index, { type, flags, body, bytes: size }] of frames.entries()) {
    const packet = packets[index] as Buffer
    assert.equal((type << 4) | flags, packet[0])
    assert.equal(size, packet.length)
    assert.ok(body.equals(packet.subarray(packet.length - body.length)))
    assert.ok(packet.length - body.length <= 4)
  }
}

test('a session in one chunk is cut into its packets, without a copy', () => {
  const frames = framesOf([session])
  assertSession(frames)
  for (const { body } of frames) assert.equal(body.buffer, session.buffer)
})

test('a session in chunks of every size up to 100 bytes gives the same packets', () => {
  for (let size = 1; size <= 100; size++) {
    const chunks: Buffer[] = []
    for (let at = 0; at < session.length; at += size) chunks.push(session.subarray(at, at + size))
    assertSession(framesOf(chunks, size % 2 === 0))
  }
})

test('a session cut in two at every place gives the same packets', () => {
  const short = session.subarray(0, session.length - 40_006)
  const expected = framesOf([short])
  for (let at = 0; at <= short.length; at++) {
    assert.deepEqual(framesOf([short.subarray(0, at), short.subarray(at)]), expected)
  }
})

test('a session cut anywhere, pulled at any time, gives the same packets', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(session.length), { maxLength: 40 }), fc.boolean(), (cuts, isPulledLate) => {
      const places = [0, ...cuts.sort((a, b) => a - b), session.length]
      const chunks = places.slice(1).map((end, index) => session.subarray(places[index], end))
      assertSession(framesOf(chunks, isPulledLate))
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('bufferedBytes counts what was pushed and not returned', () => {
  const framer = new Framer(0)
  framer.push(bytes('c0'))
  assert.equal(framer.bufferedBytes, 1)
  assert.equal(framer.next(), undefined)
  framer.push(bytes('00 30 05 01'))
  assert.equal(framer.bufferedBytes, 5)
  assert.equal(framer.next()?.bytes, 2)
  assert.equal(framer.bufferedBytes, 3)
  assert.equal(framer.next(), undefined)
  assert.equal(framer.bufferedBytes, 3)
  framer.push(bytes('02 03 04 05 c0'))
  assert.equal(framer.next()?.bytes, 7)
  assert.equal(framer.bufferedBytes, 1)
})

test('begunType is the type of the packet that waits for its rest', () => {
  const framer = new Framer(0)
  assert.equal(framer.begunType, undefined)
  framer.push(bytes('c0 00 30'))
  framer.next()
  assert.equal(framer.begunType, undefined, 'what was not asked for was not looked at')
  assert.deepEqual([framer.next(), framer.begunType], [undefined, 3])
  framer.push(bytes('02 00'))
  assert.deepEqual([framer.next(), framer.begunType], [undefined, 3])
  framer.push(bytes('00'))
  assert.deepEqual([framer.next()?.type, framer.begunType], [3, undefined])
})

test('a Remaining Length of more than four bytes is malformed, in one chunk or in many', () => {
  for (const chunks of [['30 80 80 80 80 01'], ['30', '80', '80', '80', '80'], ['30 ff ff ff ff']]) {
    throwsMqtt(() => framesOf(chunks.map(bytes)), 'ERR_MQTT_MALFORMED_PACKET')
  }
})

test('[MQTT-5.0 1.5.5-1] a Remaining Length in more bytes than it needs is malformed in MQTT 5', () => {
  for (const long of ['c0 80 00', 'c0 80 80 80 00', '30 81 00 00', '30 81 80 00 00']) {
    const framer = new Framer(0)
    framer.setProtocolVersion(5)
    framer.push(bytes(long))
    throwsMqtt(() => framer.next(), 'ERR_MQTT_MALFORMED_PACKET')
  }
})

test('[MQTT-5.0 1.5.5-1] the CONNECT of MQTT 5 too: its length was read before its version was known', () => {
  const framer = new Framer(0)
  framer.push(bytes("10 8d 00 'MQTT' 05 02 00 3c 00 ''"))
  assert.equal(framer.next()?.bytes, 16)
  throwsMqtt(() => framer.setProtocolVersion(5), 'ERR_MQTT_MALFORMED_PACKET')
})

test('before MQTT 5 a Remaining Length may take as many bytes as it likes', () => {
  for (const version of [3, 4] as const) {
    const framer = new Framer(0)
    framer.push(bytes('c0 80 80 80 00 30 81 00 07'))
    assert.equal(framer.next()?.bytes, 5)
    framer.setProtocolVersion(version)
    assert.deepEqual(framer.next(), { type: 3, flags: 0, body: bytes('07'), bytes: 4 })
  }
})

test('a packet above the limit is refused when its length is known, one at the limit is not', () => {
  const framer = new Framer(100)
  framer.push(Buffer.concat([Buffer.from([0x30, 98]), Buffer.alloc(98)]))
  assert.equal(framer.next()?.bytes, 100)
  framer.push(bytes('30'))
  assert.equal(framer.next(), undefined)
  framer.push(bytes('63'))
  const error = throwsMqtt(() => framer.next(), 'ERR_MQTT_PACKET_TOO_LARGE')
  assert.deepEqual(error.details, { bytes: 101, maxPacketBytes: 100 })
})

test('the limit may change between packets; 0 is what the protocol allows', () => {
  const framer = new Framer(2)
  framer.push(bytes('c0 00 30 02 00 00'))
  assert.equal(framer.next()?.bytes, 2)
  framer.setMaxPacketBytes(4)
  assert.equal(framer.next()?.bytes, 4)
  framer.setMaxPacketBytes(0)
  framer.push(bytes('30 ff ff ff 7f'))
  assert.equal(framer.next(), undefined)
  assert.equal(maxProtocolPacketBytes, 268_435_460)
})

test('after an error there are no packets: it is thrown again, whatever comes', () => {
  const framer = new Framer(10)
  framer.push(bytes('30 0b'))
  const first = throwsMqtt(() => framer.next(), 'ERR_MQTT_PACKET_TOO_LARGE')
  framer.push(bytes('c0 00'))
  assert.equal(
    throwsMqtt(() => framer.next(), 'ERR_MQTT_PACKET_TOO_LARGE'),
    first,
  )
})

test('memory follows what arrived: a claim of 256 MB and a few bytes of it take a few kB', () => {
  const before = process.memoryUsage().arrayBuffers
  const framers = Array.from({ length: 100 }, () => {
    const framer = new Framer(0)
    framer.push(bytes('30 ff ff ff 7f 00 00 00'))
    assert.equal(framer.next(), undefined)
    return framer
  })
  assert.ok(process.memoryUsage().arrayBuffers - before < 100 * 4096)
  assert.equal(framers.length, 100)
})

test('a packet of 1 MB in chunks of one byte arrives whole', () => {
  const length = 1 << 20
  const packet = Buffer.concat([bytes('30 80 80 40'), Buffer.alloc(length, 7)])
  for (const isPulledLate of [false, true]) {
    const chunks: Buffer[] = []
    // One view for all: it is the number of chunks that counts, and the content is the same.
    const one = packet.subarray(4, 5)
    for (let at = 0; at < 4; at++) chunks.push(packet.subarray(at, at + 1))
    for (let at = 0; at < length; at++) chunks.push(one)
    const [frame, ...others] = framesOf(chunks, isPulledLate)
    assert.equal(others.length, 0)
    assert.ok(frame?.body.equals(packet.subarray(4)))
  }
})
