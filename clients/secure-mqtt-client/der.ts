import { bytesEqual } from '../../protocol/index.ts'

/** The tags (ITU-T X.690 section 8) that keys of Diffie-Hellman are made of. */
const tag = { integer: 0x02, bitString: 0x03, objectId: 0x06, sequence: 0x30 } as const

/** Reads DER strictly: definite lengths in their shortest form, nothing missing and nothing left over. */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The elements of a SEQUENCE. @throws {RangeError} as all methods do when the next element is another one */
  sequence(): DerReader {
    return new DerReader(this.#content(tag.sequence))
  }

  /** A positive INTEGER, big-endian without leading zeros. */
  positive(): Uint8Array {
    const content = this.#content(tag.integer)
    const [first = 0, second = 0] = content
    const hasSign = first === 0
    if (first >= 0x80 || (hasSign && second < 0x80)) throw new RangeError('not a positive INTEGER in its shortest form')
    return hasSign ? content.subarray(1) : content
  }

  /** Skips an OBJECT IDENTIFIER that has to be this one. */
  objectId(content: Uint8Array): void {
    if (!bytesEqual(this.#content(tag.objectId), content)) throw new RangeError('another OBJECT IDENTIFIER')
  }

  /** A BIT STRING of whole bytes. */
  bitString(): Uint8Array {
    const content = this.#content(tag.bitString)
    if (content[0] !== 0) throw new RangeError('not a BIT STRING of whole bytes')
    return content.subarray(1)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  end(): void {
    if (!this.isAtEnd) throw new RangeError('bytes are left over')
  }

  #content(type: number): Uint8Array {
    if (this.#byte() !== type) throw new RangeError('another element')
    const length = this.#length()
    const content = this.#bytes.subarray(this.#at, this.#at + length)
    if (content.length < length || length === 0) throw new RangeError('an element is cut off or empty')
    this.#at += length
    return content
  }

  /** At most two bytes of length: no key is longer. */
  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const length = first === 0x81 ? this.#byte() : first === 0x82 ? this.#byte() * 0x100 + this.#byte() : -1
    if (length < (first === 0x81 ? 0x80 : 0x100))
      throw new RangeError('a length is too long or not in its shortest form')
    return length
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new RangeError('an element is cut off')
    return byte
  }
}

export const derSequence = (...elements: readonly Uint8Array[]) => element(tag.sequence, Buffer.concat(elements))

/** @param value big-endian without leading zeros, not 0 */
export function derPositive(value: Uint8Array): Uint8Array {
  const needsSign = (value[0] as number) >= 0x80
  return element(tag.integer, needsSign ? Buffer.concat([Uint8Array.of(0), value]) : value)
}

export const derObjectId = (content: Uint8Array) => element(tag.objectId, content)

export const derBitString = (content: Uint8Array) => element(tag.bitString, Buffer.concat([Uint8Array.of(0), content]))

/** @param content shorter than 64 KiB */
function element(type: number, content: Uint8Array): Uint8Array {
  const { length } = content
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Uint8Array.of(type, ...(length < 0x80 ? [length] : long)), content])
}
