// MQTT 3.1.1 as far as the benchmark needs it: four encoders and a reader that allocates nothing per packet.
// Written apart from protocol/ and from mqtt-packet, so that the load generator shares no bug with a broker.

export const packetType = { connack: 2, publish: 3, puback: 4, suback: 9 } as const

function utf8String(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function packet(firstByte: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const header = [firstByte]
  let rest = body.length
  do {
    const low = rest & 0x7f
    rest >>>= 7
    header.push(rest > 0 ? low | 0x80 : low)
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), body])
}

/** CONNECT, protocol level 4, clean session, no will and no credentials. Keep alive 0: a measurement sends no PINGREQ. */
export function encodeConnect(clientId: string): Buffer {
  return packet(0x10, utf8String('MQTT'), Buffer.from([4, 0x02, 0, 0]), utf8String(clientId))
}

export function encodeSubscribe(packetId: number, topicFilter: string, qos: 0 | 1): Buffer {
  return packet(0x82, Buffer.from([packetId >> 8, packetId & 0xff]), utf8String(topicFilter), Buffer.from([qos]))
}

/** PUBLISH with QoS 1, neither DUP nor RETAIN. */
export function encodePublish(packetId: number, topicName: string, applicationMessage: Buffer): Buffer {
  const id = Buffer.from([packetId >> 8, packetId & 0xff])
  return packet(0x32, utf8String(topicName), id, applicationMessage)
}

export function encodeDisconnect(): Buffer {
  return Buffer.from([0xe0, 0])
}

/** Called for every whole packet; the body is `buffer[start, end)` and is valid only during the call. */
export type OnPacket = (firstByte: number, buffer: Buffer, start: number, end: number) => void

const maxPacketBytes = 1024 * 1024

/** Cuts a byte stream into MQTT packets. One buffer is kept and reused; an incomplete tail moves to its front. */
export class PacketReader {
  readonly #onPacket: OnPacket
  #buffer = Buffer.allocUnsafe(256 * 1024)
  #filled = 0

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket
  }

  /** @throws {Error} when the peer's bytes cannot be MQTT, or a packet is larger than 1 MiB */
  push(chunk: Uint8Array, length: number): void {
    if (this.#filled + length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#filled + length))
      this.#buffer.copy(larger, 0, 0, this.#filled)
      this.#buffer = larger
    }
    this.#buffer.set(length === chunk.length ? chunk : chunk.subarray(0, length), this.#filled)
    this.#filled += length
    const consumed = this.#readPackets()
    if (consumed > 0) {
      this.#buffer.copyWithin(0, consumed, this.#filled)
      this.#filled -= consumed
    }
  }

  #readPackets(): number {
    const buffer = this.#buffer
    const filled = this.#filled
    let start = 0
    while (filled - start >= 2) {
      let remaining = 0
      let shift = 0
      let at = start + 1
      let complete = false
      while (at < filled && !complete) {
        const byte = buffer[at++] as number
        remaining += (byte & 0x7f) << shift
        complete = byte < 0x80
        shift += 7
        if (shift > 28 || remaining > maxPacketBytes) throw new Error('the broker sent an impossible packet length')
      }
      if (!complete || at + remaining > filled) break
      this.#onPacket(buffer[start] as number, buffer, at, at + remaining)
      start = at + remaining
    }
    return start
  }
}
