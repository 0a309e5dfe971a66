import { connect, type Socket } from 'node:net'
import {
  type ConnectFields,
  encodeConnect,
  encodeDisconnect,
  encodePubacks,
  encodeSubscribe,
  PacketReader,
  packetType,
} from './mqtt-packets.ts'

export interface RawClientHandlers {
  onPuback?: (packetId: number) => void
  /** The application message is `buffer[start, end)`, valid only during the call. */
  onPublish?: (buffer: Buffer, start: number, end: number, retained: boolean) => void
  /** After all packets of one read: the place to write the next batch. */
  onReadEnd?: () => void
  /** The connection ended although nobody here asked for it. */
  onClosed?: (reason: string) => void
}

export interface RawClientOptions extends ConnectFields {
  host: string
  port: number
  /** Wait for CONNACK and for SUBACK. Default 5000. */
  answerTimeoutMs?: number
  /** QoS to subscribe with, and so that of every delivery, as publishers use QoS 1 [MQTT-3.1.1 3.8.4-6]. Default 0. */
  deliveryQos?: 0 | 1
  /** Default 64 KiB; thousands of idle connections do with less. */
  readBufferBytes?: number
  /** Where to connect from; default: whatever the system takes. */
  localAddress?: string
}

interface Waiting {
  resolve: () => void
  reject: (error: Error) => void
}

const defaultAnswerTimeoutMs = 5000
const goodbyeMs = 500

/** An MQTT 3.1.1 client on a bare socket: writes bytes that were encoded beforehand, counts and acknowledges what comes back. */
export class RawClient {
  /** Of the CONNACK. */
  sessionPresent = false
  readonly #socket: Socket
  readonly #handlers: RawClientHandlers
  readonly #deliveryQos: 0 | 1
  readonly #answerTimeoutMs: number
  readonly #gone: Promise<void>
  #toAcknowledge: number[] = []
  #waiting: Waiting | undefined
  #closing = false
  #failure = 'closed by the broker'

  /** Resolves after an accepting CONNACK, rejects on refusal, error or timeout. */
  static async connect(options: RawClientOptions, handlers: RawClientHandlers = {}): Promise<RawClient> {
    const client = new RawClient(options, handlers)
    await client.#exchange(encodeConnect(options))
    return client
  }

  private constructor(options: RawClientOptions, handlers: RawClientHandlers) {
    this.#handlers = handlers
    this.#deliveryQos = options.deliveryQos ?? 0
    this.#answerTimeoutMs = options.answerTimeoutMs ?? defaultAnswerTimeoutMs
    const reader = new PacketReader((firstByte, buffer, start, end) => this.#onPacket(firstByte, buffer, start, end))
    const readBuffer = Buffer.allocUnsafe(options.readBufferBytes ?? 64 * 1024)
    const callback = (length: number): boolean => {
      try {
        reader.push(readBuffer, length)
        this.#acknowledge()
        handlers.onReadEnd?.()
      } catch (error) {
        this.#socket.destroy(error instanceof Error ? error : new Error(String(error)))
      }
      return true
    }
    // One read buffer for the life of the socket: at 100,000 messages a second the collector would otherwise be measured too.
    const onread = { buffer: readBuffer, callback }
    const { host, port, localAddress } = options
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    this.#socket.on('error', (error) => {
      this.#failure = error.message
    })
    this.#gone = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.#onClose()
        resolve()
      })
    })
  }

  /** Resolves with the SUBACK; retained messages may come before it. */
  async subscribe(topicFilter: string): Promise<void> {
    await this.#exchange(encodeSubscribe(1, topicFilter, this.#deliveryQos))
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** Resolves when the broker has closed too, or has not done so for half a second. */
  disconnect(): Promise<void> {
    if (this.#closing) return this.#gone
    this.#closing = true
    // A broker that stopped reading must not keep this process alive.
    this.#socket.end(encodeDisconnect())
    setTimeout(() => this.#socket.destroy(), goodbyeMs).unref()
    return this.#gone
  }

  #acknowledge(): void {
    if (this.#toAcknowledge.length === 0) return
    this.#socket.write(encodePubacks(this.#toAcknowledge))
    this.#toAcknowledge = []
  }

  #exchange(request: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#failure = `no answer within ${this.#answerTimeoutMs} ms`
        this.#socket.destroy()
      }, this.#answerTimeoutMs)
      const done = (settle: () => void) => {
        clearTimeout(timer)
        this.#waiting = undefined
        settle()
      }
      this.#waiting = { resolve: () => done(resolve), reject: (error) => done(() => reject(error)) }
      this.#socket.write(request)
    })
  }

  #onPacket(firstByte: number, buffer: Buffer, start: number, end: number): void {
    const type = firstByte >> 4
    if (type === packetType.puback) {
      this.#handlers.onPuback?.(buffer.readUInt16BE(start))
    } else if (type === packetType.publish) {
      this.#onPublish(firstByte, buffer, start, end)
    } else if (type === packetType.connack || type === packetType.suback) {
      const expected = type === packetType.suback ? this.#deliveryQos : 0
      const code = buffer[end - 1] as number
      if (code !== expected) throw new Error(`the broker answered with return code ${code}`)
      if (type === packetType.connack) this.sessionPresent = buffer[start] === 1
      this.#waiting?.resolve()
    }
  }

  #onPublish(firstByte: number, buffer: Buffer, start: number, end: number): void {
    const qos = (firstByte & 0x06) >> 1
    if (qos !== this.#deliveryQos) {
      throw new Error(`the broker delivered with QoS ${qos} instead of ${this.#deliveryQos}`)
    }
    let at = start + 2 + buffer.readUInt16BE(start)
    if (qos === 1) {
      this.#toAcknowledge.push(buffer.readUInt16BE(at))
      at += 2
    }
    this.#handlers.onPublish?.(buffer, at, end, (firstByte & 0x01) !== 0)
  }

  #onClose(): void {
    if (this.#waiting !== undefined) this.#waiting.reject(new Error(this.#failure))
    else if (!this.#closing) this.#handlers.onClosed?.(this.#failure)
    this.#closing = true
  }
}

/** Ends the session of this client id [MQTT-3.1.1 3.1.2-6], so that what one measurement left burdens no other. */
export async function removeSession(options: Omit<RawClientOptions, 'cleanSession'>): Promise<void> {
  const client = await RawClient.connect({ ...options, cleanSession: true })
  await client.disconnect()
}
