import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { MqttText } from '../mqtt-bytes.ts'
import {
  acknowledgementBytes,
  type ConnectFields,
  connectBytes,
  disconnectBytes,
  type Filter,
  type PublishFields,
  pingBytes,
  publishBytes,
  subscribeBytes,
  unsubscribeBytes,
} from './build.ts'
import { PacketStream } from './packet-stream.ts'
import type { Property } from './properties.ts'
import type { PacketName, ProtocolLevel, Received } from './received.ts'

/** Longest wait for what must come. The machine is shared; only a failing test waits that long. */
export const patienceMs = 20_000

/** A client that says what its test tells it to, and believes the server nothing. */
export class Peer {
  readonly level: ProtocolLevel
  readonly clientId: string
  readonly #stream: Duplex
  readonly #packets: PacketStream
  /** Those who wait for something to happen; several may. */
  readonly #waiting = new Set<() => void>()
  #isClosed = false
  #lastPacketId = 0

  constructor(stream: Duplex, level: ProtocolLevel, clientId: string) {
    this.level = level
    this.clientId = clientId
    this.#stream = stream
    this.#packets = new PacketStream(level)
    stream.on('error', () => {
      // A reset is one way to end a connection; `closed` tells.
    })
    stream.on('data', (chunk: Buffer) => {
      this.#packets.push(chunk)
      this.#wakeAll()
    })
    stream.on('close', () => {
      this.#isClosed = true
      this.#wakeAll()
    })
  }

  /** What the server did that the standard forbids; undefined is what all tests hope for. */
  get fault(): Error | undefined {
    return this.#packets.fault
  }

  /** Writes everything in one go. */
  write(...packets: readonly Uint8Array[]): void {
    this.#stream.write(Buffer.concat(packets))
  }

  /** The next packet of one of these types; those of other types before it stay for later. */
  async next(...types: readonly [PacketName, ...PacketName[]]): Promise<Received> {
    return this.#wait(`${types.join(' or ')} comes`, () => this.#packets.take(({ type }) => types.includes(type)))
  }

  /** The next packet, whatever it is. */
  async nextOfAnyType(): Promise<Received> {
    return this.#wait('anything comes', () => this.#packets.take(() => true))
  }

  /** The next packet of one of these types, or undefined when the connection ends without one. */
  async nextOrEnd(...types: readonly [PacketName, ...PacketName[]]): Promise<Received | undefined> {
    const look = () => this.#packets.take(({ type }) => types.includes(type)) ?? (this.#isClosed ? 'ended' : undefined)
    const found = await this.#wait(`${types.join(' or ')} or the end comes`, look)
    return found === 'ended' ? undefined : found
  }

  /** All packets that have come and that nobody asked for. */
  takeAll(): readonly Received[] {
    return this.#packets.takeAll()
  }

  /** Resolves when the server has ended the connection. */
  async closed(waitMs = patienceMs): Promise<void> {
    const end = Symbol('closed')
    await this.#wait('the connection ends', () => (this.#isClosed ? end : undefined), waitMs)
  }

  /** Sends CONNECT. @returns CONNACK, also one that refuses */
  async connect(fields: ConnectFields = {}): Promise<Received> {
    this.write(connectBytes({ level: this.level, clientId: this.clientId, ...fields }))
    return this.next('connack')
  }

  /** @returns the codes of SUBACK */
  async subscribe(filters: readonly Filter[], properties: readonly Property[] = []): Promise<readonly number[]> {
    const packetId = this.newPacketId()
    this.write(subscribeBytes(this.level, packetId, filters, properties))
    const suback = await this.next('suback')
    if (suback.packetId !== packetId) throw new Error(`SUBACK ${suback.packetId} for SUBSCRIBE ${packetId}`)
    return suback.reasonCodes
  }

  /** @returns the codes of UNSUBACK, which MQTT 3.1.1 has none of */
  async unsubscribe(...filters: readonly MqttText[]): Promise<readonly number[]> {
    const packetId = this.newPacketId()
    this.write(unsubscribeBytes(this.level, packetId, filters))
    const unsuback = await this.next('unsuback')
    if (unsuback.packetId !== packetId) throw new Error(`UNSUBACK ${unsuback.packetId} for UNSUBSCRIBE ${packetId}`)
    return unsuback.reasonCodes
  }

  /** Publishes and goes through the whole exchange. @returns the reason code of PUBACK or PUBREC; 0 at QoS 0 */
  async publish(fields: PublishFields): Promise<number> {
    const packetId = fields.packetId ?? this.newPacketId()
    this.write(publishBytes(this.level, { ...fields, packetId }))
    if (fields.qos === 1) return (await this.#answer('puback', packetId)).reasonCode
    if (fields.qos !== 2) return 0
    const { reasonCode } = await this.#answer('pubrec', packetId)
    if (reasonCode >= 0x80) return reasonCode
    this.write(acknowledgementBytes('pubrel', packetId))
    await this.#answer('pubcomp', packetId)
    return reasonCode
  }

  /** The same for many at once, as many in flight as every server takes by default. */
  async publishAll(messages: readonly PublishFields[]): Promise<void> {
    for (let from = 0; from < messages.length; from += 16)
      await Promise.all(messages.slice(from, from + 16).map((fields) => this.publish(fields)))
  }

  /** The next PUBLISH, acknowledged to the end of its exchange. */
  async receive(): Promise<Received> {
    const message = await this.next('publish')
    await this.acknowledge(message)
    return message
  }

  /** Goes through the whole exchange as the receiver of a PUBLISH. */
  async acknowledge({ qos, packetId }: Received): Promise<void> {
    if (qos === 1) this.write(acknowledgementBytes('puback', packetId))
    if (qos !== 2) return
    this.write(acknowledgementBytes('pubrec', packetId))
    await this.next('pubrel')
    this.write(acknowledgementBytes('pubcomp', packetId))
  }

  /** Everything written before is processed when the answer is there. */
  async ping(): Promise<void> {
    this.write(pingBytes)
    await this.next('pingresp')
  }

  /** Says good-bye and waits for the end. */
  async disconnect(reasonCode = 0, properties: readonly Property[] = []): Promise<void> {
    this.write(disconnectBytes(reasonCode, properties))
    this.#stream.end()
    await this.closed()
  }

  /** Goes without DISCONNECT, by a reset where there is one. */
  async vanish(): Promise<void> {
    if (this.#isClosed) return
    if (this.#stream instanceof Socket) this.#stream.resetAndDestroy()
    else this.#stream.destroy()
    if (!this.#isClosed) await once(this.#stream, 'close')
  }

  newPacketId(): number {
    this.#lastPacketId = (this.#lastPacketId % 65_535) + 1
    return this.#lastPacketId
  }

  #answer(type: PacketName, packetId: number): Promise<Received> {
    const isAnswer = (packet: Received) => packet.type === type && packet.packetId === packetId
    return this.#wait(`${type} ${packetId} comes`, () => this.#packets.take(isAnswer))
  }

  async #wait<T>(what: string, look: () => T | undefined, waitMs = patienceMs): Promise<T> {
    const deadline = Date.now() + waitMs
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (this.fault !== undefined) throw this.fault
      const has = this.#packets.types.join(', ') || 'nothing'
      if (this.#isClosed) throw new Error(`the connection ended before ${what}; waiting: ${has}`)
      if (Date.now() >= deadline) throw new Error(`${waitMs} ms passed before ${what}; waiting: ${has}`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, deadline - Date.now())
        this.#waiting.add(wake)
      })
    }
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake()
  }
}
