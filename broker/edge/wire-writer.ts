import { MqttError } from './errors.ts'
import { maxRemainingLength, variableByteIntegerBytes, writeVariableByteInteger } from './variable-byte-integer.ts'

const initialBytes = 128
const maxStringBytes = 65_535

/** Writes the data types of MQTT [MQTT-5.0 1.5], for packets that are not on the hot path. */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(initialBytes)
  #length = 0

  byte(value: number): this {
    // First, as it may replace the buffer.
    const at = this.#reserve(1)
    this.#buffer[at] = value
    return this
  }

  uint16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer.writeUInt16BE(value, at)
    return this
  }

  uint32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value, at)
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#buffer.set(value, at)
    return this
  }

  /** Binary Data. @throws {MqttError} ERR_MQTT_STRING_TOO_LONG */
  binary(value: Uint8Array): this {
    if (value.length > maxStringBytes) throw tooLong(value.length)
    return this.uint16(value.length).bytes(value)
  }

  /** A UTF-8 Encoded String. @throws {MqttError} ERR_MQTT_STRING_TOO_LONG */
  string(value: string): this {
    const length = Buffer.byteLength(value)
    if (length > maxStringBytes) throw tooLong(length)
    this.uint16(length)
    const at = this.#reserve(length)
    this.#buffer.write(value, at, length)
    return this
  }

  /** Another writer's bytes, preceded by their length: how a packet carries its properties. */
  properties(properties: WireWriter): this {
    const length = properties.#length
    const at = this.#reserve(variableByteIntegerBytes(length))
    writeVariableByteInteger(this.#buffer, at, length)
    return this.bytes(properties.finish())
  }

  /** What was written, as a view. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /**
   * What was written, as the body of a packet.
   * @param first byte of the fixed header
   * @throws {MqttError} ERR_MQTT_PACKET_TOO_LARGE
   */
  finishPacket(first: number): Buffer {
    const length = this.#length
    if (length > maxRemainingLength) throw new MqttError('ERR_MQTT_PACKET_TOO_LARGE', `a body of ${length} bytes`)
    const start = 1 + variableByteIntegerBytes(length)
    const packet = Buffer.allocUnsafe(start + length)
    packet[0] = first
    writeVariableByteInteger(packet, 1, length)
    packet.set(this.finish(), start)
    return packet
  }

  #reserve(bytes: number): number {
    const at = this.#length
    this.#length += bytes
    if (this.#length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(2 * this.#length)
      grown.set(this.#buffer.subarray(0, at))
      this.#buffer = grown
    }
    return at
  }
}

function tooLong(bytes: number): MqttError {
  return new MqttError('ERR_MQTT_STRING_TOO_LONG', `${bytes} bytes where 65,535 fit`)
}
