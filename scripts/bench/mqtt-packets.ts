// MQTT 3.1.1 as far as the benchmark needs it: a few encoders and a reader that allocates nothing per packet.
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

export interface ConnectFields {
  clientId: string
  /** Default true. */
  cleanSession?: boolean
  /** Default 0: nothing here sends PINGREQ. */
  keepAliveSeconds?: number
}

/** CONNECT, protocol level 4, no will and no credentials. */
export function encodeConnect({ clientId, cleanSession = true, keepAliveSeconds = 0 }: ConnectFields): Buffer {
  const flags = cleanSession ? 0x02 : 0
  const fixed = Buffer.from([4, flags, keepAliveSeconds >> 8, keepAliveSeconds & 0xff])
  return packet(0x10, utf8String('MQTT'), fixed, utf8String(clientId))
}

export function encodeSubscribe(packetId: number, topicFilter: string, qos: 0 | 1): Buffer {
  return packet(0x82, Buffer.from([packetId >> 8, packetId & 0xff]), utf8String(topicFilter), Buffer.from([qos]))
}

/** PUBLISH with QoS 1, neither DUP nor RETAIN. */
export function encodePublish(packetId: number, topicName: string, applicationMessage: Buffer): Buffer {
  const id = Buffer.from([packetId >> 8, packetId & 0xff])
  return packet(0x32, utf8String(topicName), id, applicationMessage)
}

/** PUBLISH with QoS 0 and RETAIN. */
export function encodeRetained(topicName: string, applicationMessage: Buffer): Buffer {
  return packet(0x31, utf8String(topicName), applicationMessage)
}

/** PUBLISH with QoS 0, for requests to the broker itself. */
export function encodeRequest(topicName: string, request: Buffer): Buffer {
  return packet(0x30, utf8String(topicName), request)
}

/** The PUBACKs of several packets, one after the other. */
export function encodePubacks(packetIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(packetIds.length * 4)
  let at = 0
  for (const packetId of packetIds) {
    bytes[at] = packetType.puback << 4
    bytes[at + 1] = 2
    bytes.writeUInt16BE(packetId, at + 2)
    at += 4
  }
  return bytes
}

export function encodeDisconnect(): Buffer {
  return Buffer.from([0xe0, 0])
}

/** Called for every whole packet; the body is `buffer[start, end)` and is valid only during the call. */
export type OnPacket = (firstByte: number, buffer: Buffer, start: number, end: number) => void

const maxPacketBytes = 1024 * 1024

/** Cuts a byte stream into MQTT packets: in place, but for a packet that spans two chunks, which is put together first. */
export class PacketReader {
  readonly #onPacket: OnPacket
  /** The beginning of a packet whose end has not come; grows on demand and is kept. */
  #held = Buffer.alloc(0)
  #heldBytes = 0

  constructor(onPacket: OnPacket) {
    this.#onPacket = onPacket
  }

  /** @throws {Error} when the peer's bytes cannot be MQTT, or a packet is larger than 1 MiB */
  push(chunk: Buffer, length: number): void {
    if (this.#heldBytes === 0) {
      const consumed = this.#readPackets(chunk, length)
      if (consumed < length) this.#hold(chunk, consumed, length)
      return
    }
    this.#hold(chunk, 0, length)
    const consumed = this.#readPackets(this.#held, this.#heldBytes)
    if (consumed > 0) {
      this.#held.copyWithin(0, consumed, this.#heldBytes)
      this.#heldBytes -= consumed
    }
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    const needed = this.#heldBytes + end - start
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(needed * 2)
      this.#held.copy(larger, 0, 0, this.#heldBytes)
      this.#held = larger
    }
    chunk.copy(this.#held, this.#heldBytes, start, end)
    this.#heldBytes = needed
  }

  #readPackets(buffer: Buffer, filled: number): number {
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
