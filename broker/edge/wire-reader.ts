import { malformed, protocolError } from './errors.ts'
import { readUtf8 } from './utf8.ts'

/**
 * Reads the data types of MQTT [MQTT-5.0 1.5] out of one packet. Every byte is attacker-controlled: lengths are checked
 * against what is there before anything is read.
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET from every method, ERR_MQTT_PROTOCOL_ERROR for packet id 0
 */
export class WireReader {
  readonly buffer: Buffer
  /** Where the next value begins. */
  at: number
  /** Where reading stops: the end of the packet, or of the properties while they are read. */
  end: number

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer
    this.at = at
    this.end = buffer.length
  }

  get isAtEnd(): boolean {
    return this.at === this.end
  }

  byte(): number {
    return this.buffer[this.#advance(1)] as number
  }

  uint16(): number {
    const at = this.#advance(2)
    return ((this.buffer[at] as number) << 8) | (this.buffer[at + 1] as number)
  }

  uint32(): number {
    const at = this.#advance(4)
    return this.buffer.readUInt32BE(at)
  }

  /** A Variable Byte Integer; with more bytes than needed it is malformed [MQTT-5.0 1.5.5-1]. */
  variableByteInteger(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed('an integer takes more bytes than it needs')
        return value
      }
    }
    throw malformed('a Variable Byte Integer of more than four bytes')
  }

  /** Binary Data, as a view. */
  binary(): Buffer {
    const length = this.uint16()
    const at = this.#advance(length)
    return this.buffer.subarray(at, at + length)
  }

  /** A UTF-8 Encoded String, checked as {@link readUtf8} says. */
  string(): string {
    const length = this.uint16()
    const at = this.#advance(length)
    return readUtf8(this.buffer, at, at + length)
  }

  /** [MQTT-5.0 2.2.1-3], [MQTT-3.1.1 2.3.1-1]: never 0. */
  packetId(): number {
    const packetId = this.uint16()
    if (packetId === 0) throw protocolError('packet id 0')
    return packetId
  }

  /** Fails unless everything was read. */
  finish(): void {
    if (this.at !== this.end) throw malformed('bytes after the end of the packet')
  }

  #advance(bytes: number): number {
    const at = this.at
    if (at + bytes > this.end) throw malformed('the packet ends within a value')
    this.at = at + bytes
    return at
  }
}
