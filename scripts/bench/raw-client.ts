import { connect, type Socket } from 'node:net'
import { encodeConnect, encodeDisconnect, encodeSubscribe, PacketReader, packetType } from './mqtt-packets.ts'

export interface RawClientHandlers {
  onPuback?: (packetId: number) => void
  /** The application message is `buffer[start, end)`, valid only during the call. */
  onPublish?: (buffer: Buffer, start: number, end: number) => void
  /** After all packets of one read: the place to write the next batch. */
  onReadEnd?: () => void
  /** The connection ended although nobody here asked for it. */
  onClosed?: (reason: string) => void
}

export interface RawClientOptions {
  host: string
  port: number
  clientId: string
  connectTimeoutMs?: number
}

interface Waiting {
  resolve: () => void
  reject: (error: Error) => void
}

/** An MQTT 3.1.1 client on a bare socket: writes bytes that were encoded beforehand, counts what comes back. */
export class RawClient {
  readonly #socket: Socket
  readonly #handlers: RawClientHandlers
  #waiting: Waiting | undefined
  #closing = false
  #failure = 'closed by the broker'

  /** Resolves after an accepting CONNACK, rejects on refusal, error or timeout (5 seconds unless given). */
  static async connect(options: RawClientOptions, handlers: RawClientHandlers = {}): Promise<RawClient> {
    const client = new RawClient(options, handlers)
    await client.#exchange(encodeConnect(options.clientId), options.connectTimeoutMs ?? 5000)
    return client
  }

  private constructor({ host, port }: RawClientOptions, handlers: RawClientHandlers) {
    this.#handlers = handlers
    const reader = new PacketReader((firstByte, buffer, start, end) => this.#onPacket(firstByte, buffer, start, end))
    const readBuffer = Buffer.allocUnsafe(64 * 1024)
    const callback = (length: number): boolean => {
      try {
        reader.push(readBuffer, length)
        handlers.onReadEnd?.()
      } catch (error) {
        this.#socket.destroy(error instanceof Error ? error : new Error(String(error)))
      }
      return true
    }
    // One read buffer for the life of the socket: at 100,000 messages a second the collector would otherwise be measured too.
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer: readBuffer, callback } })
    this.#socket.on('error', (error) => {
      this.#failure = error.message
    })
    this.#socket.on('close', () => this.#onClose())
  }

  async subscribe(topicFilter: string, qos: 0 | 1): Promise<void> {
    await this.#exchange(encodeSubscribe(1, topicFilter, qos), 5000)
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  disconnect(): void {
    if (this.#closing) return
    this.#closing = true
    // A broker that stopped reading must not keep this process alive.
    this.#socket.end(encodeDisconnect())
    setTimeout(() => this.#socket.destroy(), 500).unref()
  }

  #exchange(request: Buffer, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#failure = `no answer within ${timeoutMs} ms`
        this.#socket.destroy()
      }, timeoutMs)
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
      // The subscription is QoS 0; anything else would need an acknowledgement this client does not send.
      if ((firstByte & 0x06) !== 0) throw new Error('the broker delivered with a QoS above the granted one')
      this.#handlers.onPublish?.(buffer, start + 2 + buffer.readUInt16BE(start), end)
    } else if (type === packetType.connack || type === packetType.suback) {
      const code = buffer[end - 1] as number
      if (code === 0) this.#waiting?.resolve()
      else throw new Error(`the broker answered with return code ${code}`)
    }
  }

  #onClose(): void {
    if (this.#waiting !== undefined) this.#waiting.reject(new Error(this.#failure))
    else if (!this.#closing) this.#handlers.onClosed?.(this.#failure)
    this.#closing = true
  }
}
