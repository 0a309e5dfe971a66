import { fromHex, toHex } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'

/** The highest sequence number that each key used, by its thumbprint in hexadecimal. */
export type HighestSeqs = ReadonlyMap<string, number>

/** One key, by its thumbprint of 32 bytes, and the highest number that it used. */
export type KeySeq = readonly [thumbprint: Uint8Array, seq: number]

const thumbprintBytes = 32
const entryBytes = thumbprintBytes + 8

/** 40 bytes for each key, in any order: thumbprint, then the number as 8 bytes big-endian. */
export function encodeHighestSeqs(seqs: readonly KeySeq[]): Uint8Array {
  const packed = new Uint8Array(seqs.length * entryBytes)
  const view = new DataView(packed.buffer)
  for (const [i, [thumbprint, seq]] of seqs.entries()) {
    const at = i * entryBytes
    packed.set(thumbprint, at)
    // Two halves: a bigint for each of thousands of keys, once a second, would cost more than all the rest.
    view.setUint32(at + thumbprintBytes, Math.floor(seq / 2 ** 32))
    view.setUint32(at + thumbprintBytes + 4, seq % 2 ** 32)
  }
  return packed
}

/**
 * Exact inverse of {@link encodeHighestSeqs}.
 * @throws {ProtocolError} ERR_RECORD_MALFORMED: a length that cannot be, a key twice, a number above 2^53 - 1
 */
export function decodeHighestSeqs(packed: Uint8Array): HighestSeqs {
  if (packed.length % entryBytes !== 0) throw malformed('length')
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length)
  const seqs = new Map<string, number>()
  for (let at = 0; at < packed.length; at += entryBytes) {
    const seq = Number(view.getBigUint64(at + thumbprintBytes))
    if (!Number.isSafeInteger(seq)) throw malformed('sequence number')
    seqs.set(toHex(packed.subarray(at, at + thumbprintBytes)), seq)
  }
  if (seqs.size * entryBytes !== packed.length) throw malformed('a key twice')
  return seqs
}

/** What {@link encodeHighestSeqs} takes. */
export function keySeqsOf(seqs: HighestSeqs): readonly KeySeq[] {
  return [...seqs].map(([thumbprint, seq]) => [fromHex(thumbprint), seq])
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', `not a list of sequence numbers: ${what}`)
}
