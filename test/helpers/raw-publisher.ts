import { connect, type Socket } from 'node:net'
import {
  acknowledgement,
  connectPacket,
  disconnectPacket,
  PacketSplitter,
  packetType,
  publishPacket,
  type ReceivedPacket,
} from './mqtt-bytes.ts'

export interface OutgoingMessage {
  readonly topic: string
  readonly payload: Uint8Array
}

export interface RawPublisherOptions {
  readonly clientId: string
  readonly qos: 1 | 2
  /** Clean Session. False: what was sent before a reconnect is sent again with DUP under its old packet id. */
  readonly clean: boolean
  /** Most messages unacknowledged at a time. */
  readonly window: number
  /** Told of each message when its exchange is complete. */
  readonly onAcknowledged?: (acknowledged: number) => void
}

/** Where a message is on its way; `received` is QoS 2 between PUBREC and PUBCOMP. */
type Progress = 'new' | 'sent' | 'received' | 'acknowledged'

/**
 * An MQTT 3.1.1 publisher on a bare socket that keeps a window of publishes in flight and knows, when the connection
 * is cut, which of them were acknowledged. Remembers its messages across connections, as a device with a disk does.
 */
export class RawPublisher {
  readonly #messages: readonly OutgoingMessage[]
  readonly #options: RawPublisherOptions
  readonly #progress: Progress[]
  #acknowledgedCount = 0

  constructor(messages: readonly OutgoingMessage[], options: RawPublisherOptions) {
    // Packet ids follow the order of the messages; the ones in flight together must differ.
    if (options.window >= 65_535) throw new RangeError('a window has fewer than 65,535 messages')
    this.#messages = messages
    this.#options = options
    this.#progress = messages.map(() => 'new')
  }

  /** Messages whose exchange is complete. */
  get acknowledged(): readonly OutgoingMessage[] {
    return this.#messages.filter((_, i) => this.#progress[i] === 'acknowledged')
  }

  /**
   * Publishes everything that is not acknowledged yet.
   * @returns `complete` when all is acknowledged, `cut off` when the broker went away before
   */
  run(port: number): Promise<'complete' | 'cut off'> {
    const left = [...this.#messages.keys()].filter((i) => this.#progress[i] !== 'acknowledged')
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      const splitter = new PacketSplitter()
      const inFlight = new Map<number, number>()
      let isOpen = false
      const sendMore = () => {
        socket.cork()
        while (inFlight.size < this.#options.window && left.length > 0) {
          const index = left.shift() as number
          inFlight.set(packetIdOf(index), index)
          this.#send(socket, index)
        }
        socket.uncork()
        if (isOpen && inFlight.size === 0) socket.end(disconnectPacket)
      }
      socket.on('connect', () => {
        const { clientId, clean } = this.#options
        socket.write(connectPacket({ clientId, clean }))
      })
      socket.on('data', (chunk) => {
        for (const received of splitter.push(chunk)) {
          if (received.type === packetType.connack && received.body[1] === 0) isOpen = true
          else this.#take(socket, received, inFlight)
        }
        if (isOpen && !socket.destroyed) sendMore()
      })
      socket.on('error', () => {
        // The broker is killed under it; `close` follows.
      })
      socket.on('close', () => resolve(isOpen && left.length === 0 && inFlight.size === 0 ? 'complete' : 'cut off'))
    })
  }

  #send(socket: Socket, index: number): void {
    const packetId = packetIdOf(index)
    if (this.#progress[index] === 'received') {
      socket.write(acknowledgement('pubrel', packetId))
      return
    }
    // [MQTT-3.1.1 3.3.1-1]: DUP on what was sent before; with a clean session nothing was, as far as the broker knows.
    const dup = this.#progress[index] === 'sent' && !this.#options.clean
    this.#progress[index] = 'sent'
    socket.write(
      publishPacket({ ...(this.#messages[index] as OutgoingMessage), qos: this.#options.qos, packetId, dup }),
    )
  }

  #take(socket: Socket, { type, body }: ReceivedPacket, inFlight: Map<number, number>): void {
    const packetId = body.length >= 2 ? body.readUInt16BE(0) : 0
    const index = inFlight.get(packetId)
    if (index === undefined)
      throw new Error(`a packet of type ${type} for packet id ${packetId}, which is not in flight`)
    const isComplete = type === (this.#options.qos === 1 ? packetType.puback : packetType.pubcomp)
    if (isComplete) {
      inFlight.delete(packetId)
      this.#progress[index] = 'acknowledged'
      this.#options.onAcknowledged?.(++this.#acknowledgedCount)
    } else if (type === packetType.pubrec) {
      this.#progress[index] = 'received'
      socket.write(acknowledgement('pubrel', packetId))
    }
  }
}

/** The same for a message on every connection, as a retransmission needs. */
function packetIdOf(index: number): number {
  return 1 + (index % 65_535)
}
