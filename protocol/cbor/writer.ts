import { utf8 } from '../bytes.ts'

const twoTo32 = 0x1_0000_0000

/**
 * Writes deterministic CBOR (RFC 8949 section 4.2.1) item by item into one growing buffer. The caller is responsible
 * for the order of map keys; `encodeCbor` sorts them.
 */
export class CborWriter {
  #buffer: Uint8Array
  #length = 0

  constructor(initialBytes = 256) {
    this.#buffer = new Uint8Array(initialBytes)
  }

  get length(): number {
    return this.#length
  }

  /** A head with the shortest form of its argument. @param argument integer from 0 to 2^53 - 1 */
  head(majorType: number, argument: number): this {
    this.#reserve(9)
    const buffer = this.#buffer
    const major = majorType << 5
    let at = this.#length
    if (argument < 24) {
      buffer[at++] = major | argument
    } else if (argument < 0x100) {
      buffer[at++] = major | 24
      buffer[at++] = argument
    } else if (argument < 0x10000) {
      buffer[at++] = major | 25
      buffer[at++] = argument >>> 8
      buffer[at++] = argument
    } else {
      if (argument < twoTo32) {
        buffer[at++] = major | 26
      } else {
        buffer[at++] = major | 27
        at = writeUint32(buffer, at, Math.floor(argument / twoTo32))
      }
      at = writeUint32(buffer, at, argument >>> 0)
    }
    this.#length = at
    return this
  }

  /** An integer between -(2^53 - 1) and 2^53 - 1. */
  int(value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError('not a safe integer')
    return value < 0 ? this.head(1, -1 - value) : this.head(0, value)
  }

  bytes(value: Uint8Array): this {
    return this.head(2, value.length).raw(value)
  }

  text(value: string): this {
    const length = value.length
    // Short ASCII is nearly all of our text: written in place, without an intermediate array.
    if (length < 64) {
      // As much as `head` reserves below at least: a buffer that grows there would lose what stands beyond its end.
      this.#reserve(length + 9)
      const headBytes = length < 24 ? 1 : 2
      const start = this.#length + headBytes
      let i = 0
      for (; i < length; i++) {
        const unit = value.charCodeAt(i)
        if (unit > 0x7f) break
        this.#buffer[start + i] = unit
      }
      if (i === length) {
        this.head(3, length)
        this.#length += length
        return this
      }
    }
    const encoded = utf8(value)
    return this.head(3, encoded.length).raw(encoded)
  }

  array(length: number): this {
    return this.head(4, length)
  }

  map(pairs: number): this {
    return this.head(5, pairs)
  }

  tag(number: number): this {
    return this.head(6, number)
  }

  bool(value: boolean): this {
    return this.head(7, value ? 21 : 20)
  }

  nil(): this {
    return this.head(7, 22)
  }

  /** Text, or null for undefined. */
  textOrNil(value: string | undefined): this {
    return value === undefined ? this.nil() : this.text(value)
  }

  /** Bytes as they are: items encoded before. */
  raw(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
    return this
  }

  /** Leaves room for {@link patch}; what is in it until then is not defined. */
  skip(bytes: number): this {
    this.#reserve(bytes)
    this.#length += bytes
    return this
  }

  /** Bytes as they are, over what was written before or skipped. */
  patch(offset: number, value: Uint8Array): this {
    if (offset + value.length > this.#length) throw new RangeError('beyond what was written')
    this.#buffer.set(value, offset)
    return this
  }

  /**
   * A head of one byte, in the place of a byte that was skipped: for what is counted while it is written.
   * @param argument below 24
   */
  patchHead(offset: number, majorType: number, argument: number): this {
    if (argument >= 24 || offset >= this.#length)
      throw new RangeError('no head of one byte, or beyond what was written')
    this.#buffer[offset] = (majorType << 5) | argument
    return this
  }

  /** The bytes written so far: a view, valid until the next write. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }
}

function writeUint32(buffer: Uint8Array, at: number, value: number): number {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
  return at + 4
}
