/** Reads the bytes of one packet from front to back. Everything throws when it is not there or not as it must be. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  bytes(length: number): Buffer {
    if (length > this.left) throw new Error(`${length} bytes expected, ${this.left} are left`)
    const found = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return found
  }

  byte(): number {
    return this.bytes(1).readUInt8()
  }

  twoBytes(): number {
    return this.bytes(2).readUInt16BE()
  }

  fourBytes(): number {
    return this.bytes(4).readUInt32BE()
  }

  /** [MQTT-5.0 1.5.5-1] demands the shortest form. */
  variable(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte >= 0x80) continue
      if (byte === 0 && shift > 0) throw new Error('a Variable Byte Integer is longer than it must be')
      return value
    }
    throw new Error('a Variable Byte Integer has more than four bytes')
  }

  /** Well-formed UTF-8 without U+0000; a U+FEFF at its beginning is kept. */
  text(): string {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes(this.twoBytes()))
    if (text.includes('\0')) throw new Error('a string with U+0000')
    return text
  }
}
