/** Tags that certificates and revocation lists use (X.690 section 8.1.2). */
export const derTag = {
  integer: 0x02,
  bitString: 0x03,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
  explicit0: 0xa0,
} as const

/** One value with its tag. */
export interface DerValue {
  readonly tag: number
  readonly content: Buffer
  /** Tag, length and content. */
  readonly encoding: Buffer
}

/** The bytes are not DER, or not of the structure that was asked for. Callers say which file or certificate it was. */
export class DerError extends Error {}

/** Reads values one after the other: definite lengths in their shortest form, tags of one byte (X.690 section 10.1). */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Tag of the next value; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** @throws {DerError} */
  read(tag?: number): DerValue {
    const start = this.#at
    const found = this.#byte()
    if ((found & 0x1f) === 0x1f) throw new DerError('a tag of several bytes')
    if (tag !== undefined && found !== tag) throw new DerError(`tag ${found} where ${tag} was expected`)
    const length = this.#length()
    if (length > this.#bytes.length - this.#at) throw new DerError('a value goes beyond its end')
    const content = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return { tag: found, content, encoding: this.#bytes.subarray(start, this.#at) }
  }

  /** Reads a value that is made of others. @throws {DerError} */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content)
  }

  /** The next value when it has this tag. @throws {DerError} */
  readOptional(tag: number): DerValue | undefined {
    return this.nextTag === tag ? this.read(tag) : undefined
  }

  /** @throws {DerError} when something is left */
  end(): void {
    if (!this.isAtEnd) throw new DerError('bytes after the last value')
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new DerError('cut short')
    this.#at++
    return byte
  }

  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    // Four bytes are more than any file that is read here has.
    if (count === 0 || count > 4) throw new DerError('a length of a kind that DER does not have')
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte()
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length that is longer than needed')
    return length
  }
}

/** Dotted notation (X.690 section 8.19). @throws {DerError} */
export function objectIdentifierOf(content: Buffer): string {
  const numbers: bigint[] = []
  let number = 0n
  for (const [i, byte] of content.entries()) {
    if (number === 0n && byte === 0x80) throw new DerError('an object identifier with a leading zero')
    number = number * 128n + BigInt(byte & 0x7f)
    if ((byte & 0x80) !== 0) {
      if (i === content.length - 1) throw new DerError('an object identifier that is cut short')
      continue
    }
    numbers.push(number)
    number = 0n
  }
  const [head, ...rest] = numbers
  if (head === undefined) throw new DerError('an empty object identifier')
  const root = head < 80n ? head / 40n : 2n
  return [root, head - root * 40n, ...rest].join('.')
}

/** UTCTime and GeneralizedTime as certificates have them: to the second, in UTC (RFC 5280 section 4.1.2.5). @throws {DerError} */
export function timeOf({ tag, content }: DerValue): number {
  const text = content.toString('latin1')
  const isShort = tag === derTag.utcTime
  if (!(isShort ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text) || (!isShort && tag !== derTag.generalizedTime)) {
    throw new DerError('a time of another kind')
  }
  const year = isShort ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const [, y, month, day, hour, minute, second] = /^(\d{4})(..)(..)(..)(..)(..)/.exec(year) as RegExpExecArray
  const timeMs = Date.parse(`${y}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(timeMs)) throw new DerError('a time that does not exist')
  return timeMs
}
