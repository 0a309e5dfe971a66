import { type ProtocolLevel, type Received, readReceived } from './received.ts'

/** Cuts the bytes of a server into packets, keeps them until somebody asks, and notes the first that is not allowed. */
export class PacketStream {
  readonly #level: ProtocolLevel
  #rest: Buffer = Buffer.alloc(0)
  #waiting: Received[] = []
  #count = 0
  #hasDisconnected = false
  #fault: Error | undefined

  constructor(level: ProtocolLevel) {
    this.#level = level
  }

  get fault(): Error | undefined {
    return this.#fault
  }

  /** Of the packets that nobody asked for. */
  get types(): readonly string[] {
    return this.#waiting.map(({ type }) => type)
  }

  push(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    try {
      for (let packet = this.#cut(); packet !== undefined; packet = this.#cut()) this.#add(packet)
    } catch (error) {
      this.#fault ??= error as Error
    }
  }

  /** The first packet that matches. */
  take(matches: (packet: Received) => boolean): Received | undefined {
    const at = this.#waiting.findIndex(matches)
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]
  }

  takeAll(): readonly Received[] {
    const all = this.#waiting
    this.#waiting = []
    return all
  }

  /** [MQTT-3.1.1 3.2.0-1], [MQTT-5.0 3.2.0-1, 3.2.0-2, 3.14.4-1] hold for every connection of every test. */
  #add(packet: Received): void {
    const isFirst = this.#count++ === 0
    if (isFirst !== (packet.type === 'connack') && packet.type !== 'auth')
      throw new Error(isFirst ? `the first packet is ${packet.type}` : 'a second CONNACK')
    if (this.#hasDisconnected) throw new Error(`${packet.type} after DISCONNECT`)
    this.#hasDisconnected = packet.type === 'disconnect'
    this.#waiting.push(packet)
  }

  /** @throws {Error} for a length that is not minimal, or a packet that is not allowed */
  #cut(): Received | undefined {
    let length = 0
    for (let at = 1; at < this.#rest.length; at++) {
      const byte = this.#rest[at] as number
      length += (byte & 0x7f) * 2 ** (7 * (at - 1))
      if (byte >= 0x80 && at === 4) throw new Error('a Remaining Length of more than four bytes')
      if (byte >= 0x80) continue
      if (byte === 0 && at > 1) throw new Error('a Remaining Length is longer than it must be')
      const end = at + 1 + length
      if (this.#rest.length < end) return undefined
      const body = this.#rest.subarray(at + 1, end)
      const first = this.#rest[0] as number
      this.#rest = this.#rest.subarray(end)
      return readReceived(first, body, end, this.#level)
    }
    return undefined
  }
}
