import { CborReader, CborWriter } from '../../protocol/index.ts'

/** Places of records within a segment, one bit each. */
export class OffsetSet {
  readonly #bits: Uint8Array

  /** @param size records of the segment, a multiple of 8 */
  constructor(size: number) {
    this.#bits = new Uint8Array(size / 8)
  }

  /** How many there are. */
  get count(): number {
    let count = 0
    for (let byte of this.#bits) for (; byte !== 0; byte &= byte - 1) count++
    return count
  }

  has(offset: number): boolean {
    return ((this.#bits[offset >> 3] as number) & (1 << (offset & 7))) !== 0
  }

  /** Leaves only what is in both. */
  intersect(other: OffsetSet): void {
    const bits = this.#bits
    for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] as number) & (other.#bits[i] as number)
  }

  /** Adds what {@link encodeOffsets} made. @throws {ProtocolError} ERR_CBOR_*; {RangeError} beyond the segment */
  addEncoded(encoded: Uint8Array): void {
    const bits = this.#bits
    if (encoded.length === bits.length) {
      for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] as number) | (encoded[i] as number)
      return
    }
    const reader = new CborReader(encoded)
    for (let offset = -1; reader.offset < encoded.length; ) {
      offset += 1 + reader.uint()
      if (offset >= bits.length * 8) throw new RangeError(`offset ${offset} is beyond the segment`)
      setBit(bits, offset)
    }
  }

  /** Those from one place to another, both included, upwards. */
  *between(from: number, to: number): Iterable<number> {
    for (let offset = from; offset <= to; offset++) {
      if ((offset & 7) === 0 && this.#bits[offset >> 3] === 0) offset += 7
      else if (this.has(offset)) yield offset
    }
  }
}

/**
 * Places in ascending order: how many lie between each and the one before, as CBOR integers side by side; or a bit for
 * each record of the segment, where that is not longer. The length tells which.
 * @param size records of the segment
 */
export function encodeOffsets(offsets: readonly number[], size: number): Uint8Array {
  const writer = new CborWriter(offsets.length + 16)
  let next = 0
  for (const offset of offsets) {
    writer.int(offset - next)
    next = offset + 1
  }
  const gaps = writer.finish()
  if (gaps.length < size / 8) return gaps
  const bits = new Uint8Array(size / 8)
  for (const offset of offsets) setBit(bits, offset)
  return bits
}

function setBit(bits: Uint8Array, offset: number): void {
  bits[offset >> 3] = (bits[offset >> 3] as number) | (1 << (offset & 7))
}
