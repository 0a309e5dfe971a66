import { fromUtf8 } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'

/** Major types of RFC 8949 section 3.1. */
export const majorType = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const

/**
 * Reads deterministic CBOR of a known shape, strictly: definite lengths, shortest forms, lengths checked against what
 * is there before anything is allocated. Byte strings are views into the input. Every byte is attacker-controlled.
 * @throws {ProtocolError} ERR_CBOR_* from every method
 */
export class CborReader {
  readonly input: Uint8Array
  #at = 0
  /** Argument of the head read last: a length, count, tag number or value. */
  #argument = 0

  constructor(input: Uint8Array) {
    this.input = input
  }

  get offset(): number {
    return this.#at
  }

  /** Major type of the next item, without reading it. */
  peekMajorType(): number {
    const first = this.input[this.#at]
    if (first === undefined) throw truncated()
    return first >> 5
  }

  /** Text, or undefined for null. */
  textOrNil(): string | undefined {
    if (!this.isNil()) return this.text()
    this.nil()
    return undefined
  }

  isNil(): boolean {
    return this.input[this.#at] === 0xf6
  }

  /** Reads one head and returns its major type; the argument is then in {@link argument}. */
  head(): number {
    const first = this.#byte()
    const info = first & 31
    if (info < 24) {
      this.#argument = info
    } else if (info === 24) {
      this.#argument = this.#byte()
      if (this.#argument < 24) throw notShortest()
    } else if (info === 25) {
      this.#argument = (this.#byte() << 8) | this.#byte()
      if (this.#argument < 0x100) throw notShortest()
    } else if (info === 26) {
      this.#argument = this.#uint32()
      if (this.#argument < 0x10000) throw notShortest()
    } else if (info === 27) {
      const high = this.#uint32()
      if (high === 0) throw notShortest()
      // Nothing of ours needs more than 53 bits: sizes, times and sequence numbers are all below.
      if (high > 0x1fffff) throw new ProtocolError('ERR_CBOR_UNSUPPORTED', 'integer beyond 2^53')
      this.#argument = high * 0x1_0000_0000 + this.#uint32()
    } else {
      throw new ProtocolError('ERR_CBOR_NOT_DETERMINISTIC', 'indefinite length or reserved head')
    }
    return first >> 5
  }

  get argument(): number {
    return this.#argument
  }

  uint(): number {
    this.#expect(majorType.uint)
    return this.#argument
  }

  int(): number {
    const major = this.head()
    if (major === majorType.uint) return this.#argument
    if (major === majorType.negative) {
      const value = -1 - this.#argument
      // -2^53 has the argument 2^53 - 1, which `head` admits, but is not a safe integer.
      if (!Number.isSafeInteger(value)) throw new ProtocolError('ERR_CBOR_UNSUPPORTED', 'integer beyond 2^53')
      return value
    }
    throw unexpected('an integer')
  }

  /** A view of the byte string. @param exactLength refused unless it has this many bytes */
  bytes(exactLength?: number): Uint8Array {
    const start = this.skipBytes(exactLength)
    return this.input.subarray(start, this.#at)
  }

  /** Passes over a byte string, whose length is {@link argument} then. @returns its offset in the input */
  skipBytes(exactLength?: number): number {
    this.#expect(majorType.bytes)
    if (exactLength !== undefined && this.#argument !== exactLength) throw unexpected(`${exactLength} bytes`)
    return this.#pass(this.#argument)
  }

  text(): string {
    this.#expect(majorType.text)
    const encoded = this.#take(this.#argument)
    try {
      return fromUtf8(encoded)
    } catch (cause) {
      throw new ProtocolError('ERR_CBOR_NOT_UTF8', 'text string is not UTF-8', {}, cause)
    }
  }

  /** The UTF-8 of a text string, a view, not checked: for what was written by {@link CborWriter.text}. */
  textBytes(): Uint8Array {
    this.#expect(majorType.text)
    return this.#take(this.#argument)
  }

  /** Passes over one item with everything in it. What is passed over is not checked for its form. */
  skip(): void {
    for (let left = 1; left > 0; left--) {
      const major = this.head()
      if (major === majorType.bytes || major === majorType.text) {
        this.#pass(this.#argument)
      } else if (major === majorType.array) left += this.#argument
      else if (major === majorType.map) left += 2 * this.#argument
      else if (major === majorType.tag) left++
    }
  }

  bool(): boolean {
    const byte = this.#byte()
    if (byte === 0xf5) return true
    if (byte === 0xf4) return false
    throw unexpected('true or false')
  }

  nil(): void {
    if (this.#byte() !== 0xf6) throw unexpected('nil')
  }

  /** Number of items that follow. @param exactLength refused unless there are this many */
  array(exactLength?: number): number {
    this.#expect(majorType.array)
    return this.#count(exactLength, 1)
  }

  /** Number of key/value pairs that follow. */
  map(): number {
    this.#expect(majorType.map)
    return this.#count(undefined, 2)
  }

  tag(number: number): void {
    this.#expect(majorType.tag)
    if (this.#argument !== number) throw unexpected(`tag ${number}`)
  }

  /** Refuses bytes after the last item. */
  end(): void {
    if (this.#at !== this.input.length) throw new ProtocolError('ERR_CBOR_TRAILING_BYTES', 'bytes after the last item')
  }

  #expect(major: number): void {
    if (this.head() !== major) throw unexpected(`major type ${major}`)
  }

  /** Every item takes at least one byte, so a count beyond what is left is a lie and costs us nothing. */
  #count(exactLength: number | undefined, bytesPerItem: number): number {
    if (exactLength !== undefined && this.#argument !== exactLength) throw unexpected(`${exactLength} items`)
    if (this.#argument * bytesPerItem > this.input.length - this.#at) throw truncated()
    return this.#argument
  }

  #take(length: number): Uint8Array {
    const start = this.#pass(length)
    return this.input.subarray(start, this.#at)
  }

  /** @returns where what was passed over begins */
  #pass(length: number): number {
    if (length > this.input.length - this.#at) throw truncated()
    const start = this.#at
    this.#at += length
    return start
  }

  #byte(): number {
    const byte = this.input[this.#at]
    if (byte === undefined) throw truncated()
    this.#at++
    return byte
  }

  #uint32(): number {
    return ((this.#byte() << 24) | (this.#byte() << 16) | (this.#byte() << 8) | this.#byte()) >>> 0
  }
}

function truncated(): ProtocolError {
  return new ProtocolError('ERR_CBOR_TRUNCATED', 'item ends before its length')
}

function notShortest(): ProtocolError {
  return new ProtocolError('ERR_CBOR_NOT_DETERMINISTIC', 'not the shortest form')
}

function unexpected(what: string): ProtocolError {
  return new ProtocolError('ERR_CBOR_UNEXPECTED', `expected ${what}`)
}
