import { CborReader, CborWriter } from '../../protocol/index.ts'
import type { QoS } from '../edge/index.ts'
import type { Chunk, Entry } from './queue.ts'

const chunkVersion = 1
/** Bits of an entry's flags; bits 0 and 1 are its QoS. */
const retainBit = 4
const identifiersBit = 8
const sharedBit = 16

/**
 * CBOR `[1, n, * entry]`, each entry flat: index (the first as such, the others as the distance from the one before),
 * payload size, flags, and where the flags say so `[+ subscription identifier]` and the shared filter.
 */
export function encodeChunk({ entries }: Chunk): Uint8Array {
  let items = 2
  for (const { subscriptionIdentifiers, shared } of entries) {
    items += 3 + (subscriptionIdentifiers.length > 0 ? 1 : 0) + (shared === undefined ? 0 : 1)
  }
  const writer = new CborWriter(16 + 12 * entries.length).array(items).int(chunkVersion).int(entries.length)
  let previous = 0
  for (const { index, bytes, qos, retain, subscriptionIdentifiers, shared } of entries) {
    writer.int(index - previous).int(bytes)
    previous = index
    const hasIdentifiers = subscriptionIdentifiers.length > 0
    writer.int(qos | (retain ? retainBit : 0) | (hasIdentifiers ? identifiersBit : 0) | (shared ? sharedBit : 0))
    if (hasIdentifiers) {
      writer.array(subscriptionIdentifiers.length)
      for (const identifier of subscriptionIdentifiers) writer.int(identifier)
    }
    if (shared !== undefined) writer.text(shared)
  }
  return writer.finish()
}

/**
 * Inverse of {@link encodeChunk}. @param sentUpTo entries below this number may have been sent
 * @throws {ProtocolError} ERR_CBOR_*; {RangeError} on another version
 */
export function decodeChunk(encoded: Uint8Array, firstNumber: number, sentUpTo: number): Chunk {
  const reader = new CborReader(encoded)
  reader.array()
  if (reader.uint() !== chunkVersion) throw new RangeError('a queue written by another version')
  const entries: Entry[] = []
  const chunk: Chunk = { firstNumber, entries, left: 0 }
  let index = 0
  for (let left = reader.uint(); left > 0; left--) {
    index += reader.int()
    const bytes = reader.uint()
    const flags = reader.uint()
    const subscriptionIdentifiers: number[] = []
    if (flags & identifiersBit)
      for (let more = reader.array(); more > 0; more--) subscriptionIdentifiers.push(reader.uint())
    const number = firstNumber + entries.length
    entries.push({
      number,
      index,
      qos: (flags & 3) as QoS,
      retain: (flags & retainBit) !== 0,
      subscriptionIdentifiers,
      shared: flags & sharedBit ? reader.text() : undefined,
      bytes,
      chunk,
      state: 'waiting',
      wasSent: number < sentUpTo,
      message: undefined,
    })
  }
  reader.end()
  chunk.left = entries.length
  return chunk
}
