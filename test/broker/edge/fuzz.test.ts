import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Framer, MqttError, type ProtocolVersion } from '../../../broker/edge/index.ts'
import { goldenPackets } from './golden-packets.ts'
import { bytes, type ClientPacket, parseFrame, versions } from './helpers.ts'

/** Small and repeatable: xorshift32. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Bytes that mean something somewhere: lengths, property identifiers, wildcards, pieces of UTF-8. */
const telling = [
  0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x11, 0x1f, 0x23, 0x26, 0x2b, 0x2f, 0x7f, 0x80, 0xc0, 0xed, 0xff,
]
const corpus = goldenPackets.map(({ hex }) => bytes(hex))

function mutate(random: (below: number) => number): Buffer {
  let packet = Buffer.from(corpus[random(corpus.length)] as Buffer)
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(packet.length)
    const byte = random(2) === 0 ? random(256) : (telling[random(telling.length)] as number)
    switch (random(5)) {
      case 0:
        packet = Buffer.concat([packet.subarray(0, at), Buffer.from([byte]), packet.subarray(at)])
        break
      case 1:
        packet = Buffer.concat([packet.subarray(0, at), packet.subarray(at + 1), Buffer.from([byte])])
        break
      case 2: {
        const other = corpus[random(corpus.length)] as Buffer
        packet = Buffer.concat([packet.subarray(0, at), other.subarray(random(other.length))])
        break
      }
      default:
        packet[at] = byte
    }
    if (packet.length === 0) packet = Buffer.from([byte])
  }
  // Most often with a true length, so that it is the parsers that have to refuse.
  if (packet.length > 1 && packet.length < 130 && random(8) !== 0) packet[1] = packet.length - 2
  return packet
}

/** Every Buffer in what was parsed. */
function viewsIn(value: unknown): Buffer[] {
  if (Buffer.isBuffer(value)) return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(viewsIn)
}

function isWithin(view: Buffer, input: Buffer): boolean {
  const start = view.byteOffset - input.byteOffset
  return view.length === 0 || (view.buffer === input.buffer && start >= 0 && start + view.length <= input.length)
}

/** Parses all frames of an input. @returns packets parsed; a MqttError ends it, as it ends a connection */
function run(input: Buffer, version: ProtocolVersion): ClientPacket[] {
  const framer = new Framer(10_000)
  framer.setProtocolVersion(version)
  framer.push(input)
  const packets: ClientPacket[] = []
  try {
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
      assert.ok(isWithin(frame.body, input), 'the body of a frame lies in the input')
      const packet = parseFrame(frame, version)
      // A CONNECT is a copy on purpose.
      if (frame.type !== 1) assert.ok(viewsIn(packet).every((view) => isWithin(view, frame.body)))
      packets.push(packet)
    }
  } catch (error) {
    if (!(error instanceof MqttError)) throw error
  }
  return packets
}

test('60,000 mutated packets are parsed or refused with a MqttError, and views stay within them', () => {
  const random = randomNumbers(0x5eed)
  let parsed = 0
  for (let index = 0; index < 20_000; index++) {
    const input = mutate(random)
    // Between other bytes, to notice a view that reaches beyond.
    const surrounded = Buffer.concat([Buffer.alloc(8, 0x41), input, Buffer.alloc(8, 0x41)]).subarray(
      8,
      8 + input.length,
    )
    for (const version of versions) parsed += run(surrounded, version).length
  }
  assert.ok(parsed > 2000, `${parsed} were still packets: the mutations reach deep`)
})

test('60,000 runs of random bytes as bodies of every type end in a packet or a MqttError', () => {
  const random = randomNumbers(0xfeed)
  for (let index = 0; index < 20_000; index++) {
    const length = random(60)
    const input = Buffer.from([
      random(256),
      length,
      ...Array.from({ length }, () => random(256) & (random(3) === 0 ? 0xff : 0x0f)),
    ])
    for (const version of versions) run(input, version)
  }
})

test('random streams in random chunks end, and leave no more behind than they brought', () => {
  const random = randomNumbers(0xbeef)
  for (let index = 0; index < 2000; index++) {
    const framer = new Framer(1000)
    let pushed = 0
    try {
      for (let chunk = 0; chunk < 10; chunk++) {
        const input = Buffer.from(
          Array.from({ length: random(40) }, () => random(256) & (random(2) === 0 ? 0xff : 0x1f)),
        )
        pushed += input.length
        framer.push(input)
        for (let frame = framer.next(); frame !== undefined; frame = framer.next()) pushed -= frame.bytes
        assert.equal(framer.bufferedBytes, pushed)
      }
    } catch (error) {
      if (!(error instanceof MqttError)) throw error
    }
  }
})
