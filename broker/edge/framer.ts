import { MqttError, malformed } from './errors.ts'
import type { ProtocolVersion } from './packets.ts'

/** One whole control packet. [MQTT-5.0 2.1] */
export interface Frame {
  readonly type: number
  readonly flags: number
  /** What follows the fixed header. */
  readonly body: Buffer
  /** Size of the whole packet, fixed header included. */
  readonly bytes: number
}

/** Largest Remaining Length that four bytes can say [MQTT-5.0 2.1.4], and the fixed header before it. */
export const maxProtocolPacketBytes = 268_435_455 + 5

/** What is allocated first for a packet that came in parts; then twice what is needed, so that one-byte chunks are cheap. */
const firstPartBytes = 1024

/**
 * Cuts a byte stream into control packets, when asked. A body is a view of its chunk when it lay in it whole.
 *
 * Memory follows what has arrived, never what a length claims: parts are collected in a buffer that at most doubles, and
 * a packet above the limit is refused as soon as its length is known.
 */
export class Framer {
  #maxPacketBytes: number
  #isMinimalLengthRequired = false
  #hadLongLength = false
  /** Chunks that were pushed and not looked at yet; the first one is at #nextChunk. */
  #chunks: Buffer[] = []
  #nextChunk = 0
  #chunk: Buffer | undefined
  #at = 0
  #bufferedBytes = 0
  /** The fixed header so far: its first byte, the Remaining Length and how many bytes that took. */
  #first = 0
  #length = 0
  #headerBytes = 0
  #isHeaderComplete = false
  /** The body so far, when it began in an earlier chunk. */
  #part: Buffer | undefined
  #partBytes = 0
  #error: MqttError | undefined

  /** @param maxPacketBytes of a whole packet, fixed header included; 0: what the protocol allows */
  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes || maxProtocolPacketBytes
  }

  /** Counts from the next packet on. */
  setMaxPacketBytes(maxPacketBytes: number): void {
    this.#maxPacketBytes = maxPacketBytes || maxProtocolPacketBytes
  }

  /**
   * To be called when CONNECT has told the version. MQTT 5 asks for the shortest form of the Remaining Length
   * [MQTT-5.0 1.5.5-1], also of the CONNECT itself; MQTT 3.1 and 3.1.1 do not (2.2.3), and there are devices that always
   * send as many bytes.
   * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET when a packet before had a longer form
   */
  setProtocolVersion(version: ProtocolVersion): void {
    this.#isMinimalLengthRequired = version === 5
    if (this.#isMinimalLengthRequired && this.#hadLongLength) throw this.#fail(longLength())
  }

  /** Bytes pushed and not yet returned in a frame. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Type of the packet that has begun and is not whole; undefined: none has. */
  get begunType(): number | undefined {
    return this.#headerBytes === 0 ? undefined : this.#first >> 4
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#bufferedBytes += chunk.length
    if (this.#chunk === undefined) this.#chunk = chunk
    else this.#chunks.push(chunk)
  }

  /**
   * The next whole packet; undefined until more is pushed. After an error the stream has no packets any more: every
   * further call throws it again.
   * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PACKET_TOO_LARGE
   */
  next(): Frame | undefined {
    if (this.#error !== undefined) throw this.#error
    for (let chunk = this.#chunk; chunk !== undefined; chunk = this.#chunk) {
      if (!this.#isHeaderComplete && !this.#readHeader(chunk)) {
        this.#takeNextChunk()
        continue
      }
      const at = this.#at
      if (this.#part === undefined && chunk.length - at >= this.#length) {
        const end = at + this.#length
        if (end === chunk.length) this.#takeNextChunk()
        else this.#at = end
        return this.#complete(chunk.subarray(at, end))
      }
      const part = this.#collect(chunk)
      if (part !== undefined) return this.#complete(part)
    }
    return undefined
  }

  /** Reads as much of the fixed header as the chunk has. @returns whether it is complete; if not, the chunk is used up */
  #readHeader(chunk: Buffer): boolean {
    let at = this.#at
    let headerBytes = this.#headerBytes
    if (headerBytes === 0) {
      this.#first = chunk[at] as number
      this.#length = 0
      at++
      headerBytes = 1
    }
    while (at < chunk.length) {
      const byte = chunk[at] as number
      at++
      this.#length |= (byte & 0x7f) << (7 * (headerBytes - 1))
      headerBytes++
      if (byte < 0x80) {
        if (byte === 0 && headerBytes > 2) this.#onLongLength()
        if (headerBytes + this.#length > this.#maxPacketBytes) throw this.#fail(this.#tooLarge(headerBytes))
        this.#at = at
        this.#headerBytes = headerBytes
        this.#isHeaderComplete = true
        return true
      }
      if (headerBytes === 5) throw this.#fail(malformed('a Remaining Length of more than four bytes'))
    }
    this.#headerBytes = headerBytes
    return false
  }

  /** Copies what the chunk has of the body. @returns the whole body, or undefined when the chunk is used up before */
  #collect(chunk: Buffer): Buffer | undefined {
    const available = Math.min(chunk.length - this.#at, this.#length - this.#partBytes)
    const collected = this.#partBytes + available
    if (this.#part === undefined || this.#part.length < collected) {
      const grown = Buffer.allocUnsafe(Math.min(this.#length, Math.max(firstPartBytes, 2 * collected)))
      this.#part?.copy(grown, 0, 0, this.#partBytes)
      this.#part = grown
    }
    chunk.copy(this.#part, this.#partBytes, this.#at, this.#at + available)
    this.#partBytes = collected
    this.#at += available
    if (this.#at === chunk.length) this.#takeNextChunk()
    if (collected < this.#length) return undefined
    const whole = this.#part.subarray(0, collected)
    this.#part = undefined
    this.#partBytes = 0
    return whole
  }

  #complete(body: Buffer): Frame {
    const bytes = this.#headerBytes + body.length
    this.#bufferedBytes -= bytes
    this.#isHeaderComplete = false
    this.#headerBytes = 0
    return { type: this.#first >> 4, flags: this.#first & 15, body, bytes }
  }

  #takeNextChunk(): void {
    this.#at = 0
    this.#chunk = this.#chunks[this.#nextChunk]
    if (this.#chunk === undefined) return
    this.#nextChunk++
    // Array.shift would move all that follow, once for every chunk; this moves each at most once.
    if (2 * this.#nextChunk >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#nextChunk)
      this.#nextChunk = 0
    }
  }

  #onLongLength(): void {
    if (this.#isMinimalLengthRequired) throw this.#fail(longLength())
    this.#hadLongLength = true
  }

  #tooLarge(headerBytes: number): MqttError {
    const bytes = headerBytes + this.#length
    const details = { bytes, maxPacketBytes: this.#maxPacketBytes }
    return new MqttError('ERR_MQTT_PACKET_TOO_LARGE', `a packet of ${bytes} bytes`, details)
  }

  #fail(error: MqttError): MqttError {
    this.#error = error
    this.#chunk = undefined
    this.#chunks = []
    this.#part = undefined
    return error
  }
}

function longLength(): MqttError {
  return malformed('a Remaining Length that takes more bytes than it needs')
}
