import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { acknowledgementBytes, disconnectBytes, publishBytes } from '../helpers/conformance/build.ts'
import { packetType, type ReceivedPacket } from '../helpers/mqtt-bytes.ts'
import { type Level, openWire, sessionFields } from './wire.ts'

/** What a device publishes; texts tell the messages of one campaign apart. */
export interface DeviceMessage {
  readonly topic: string
  readonly text: string
  readonly qos: 0 | 1 | 2
  readonly retain?: boolean
}

export interface DeviceOptions {
  readonly clientId: string
  readonly level: Level
  /** Most messages of QoS 1 and 2 in flight. */
  readonly window: number
  /** Told of each message whose exchange is complete. */
  readonly onAcknowledged?: (count: number) => void
}

/** `received` is QoS 2 between PUBREC and PUBCOMP; `refused` what a reason code above 0x7F answered. */
type Progress = 'new' | 'sent' | 'received' | 'acknowledged' | 'refused'

/**
 * A publisher with a session, which keeps what is not acknowledged and sends it again on the next connection as MQTT
 * demands: in its order, with DUP, under the old packet id, PUBREL for what was received [MQTT-3.1.1 4.4.0-1]. What it
 * holds to be acknowledged is what a broker must not lose.
 */
export class Device {
  readonly #messages: readonly DeviceMessage[]
  readonly #options: DeviceOptions
  readonly #progress: Progress[]
  /** Reason codes above 0x7F, by text. */
  readonly refusals = new Map<string, number>()
  /** Connections that were accepted. */
  connections = 0
  /** Accepted connections after the first to which the broker said that there is no session. */
  sessionsLost = 0
  /** Return or reason codes of a CONNACK that was no yes. */
  readonly refusedConnects: number[] = []
  /** Reason codes of DISCONNECT. */
  readonly disconnects: number[] = []
  #acknowledgedCount = 0
  #socket: Socket | undefined

  constructor(messages: readonly DeviceMessage[], options: DeviceOptions) {
    this.#messages = messages
    this.#options = options
    this.#progress = messages.map(() => 'new')
  }

  /** Messages whose exchange is complete: QoS 1 and 2 only. */
  get acknowledged(): readonly DeviceMessage[] {
    return this.#messages.filter(({ qos }, i) => qos > 0 && this.#progress[i] === 'acknowledged')
  }

  get messages(): readonly DeviceMessage[] {
    return this.#messages
  }

  /** Sent at least once, and neither acknowledged nor refused. */
  get isComplete(): boolean {
    return this.#progress.every((progress) => progress === 'acknowledged' || progress === 'refused')
  }

  /** One connection: publishes what is left. @returns when all is acknowledged, or the connection is gone */
  run(port: number): Promise<'complete' | 'cut off'> {
    const left = [...this.#messages.keys()].filter((i) => !this.#isOver(i))
    return new Promise((resolve) => {
      const inFlight = new Map<number, number>()
      let isOpen = false
      const sendMore = () => {
        socket.cork()
        while (inFlight.size < this.#options.window && left.length > 0) {
          const index = left.shift() as number
          const { qos } = this.#messages[index] as DeviceMessage
          if (qos > 0) inFlight.set(packetIdOf(index), index)
          this.#send(socket, index)
        }
        socket.uncork()
        if (inFlight.size === 0 && left.length === 0) socket.end(disconnectBytes())
      }
      const take = (packets: readonly ReceivedPacket[]) => {
        for (const packet of packets) {
          if (packet.type === packetType.connack) isOpen = this.#isAccepted(packet)
          else if (packet.type === packetType.disconnect) this.disconnects.push(packet.body[0] ?? 0)
          else this.#take(socket, packet, inFlight)
        }
        if (isOpen && socket.writable) sendMore()
      }
      const { clientId, level } = this.#options
      const fields = { clientId, ...sessionFields(level, false) }
      const socket = openWire(port, fields, take, () => resolve(this.isComplete ? 'complete' : 'cut off'))
      this.#socket = socket
    })
  }

  /** Connects again and again until all is over. @param isGivenUp asked after each connection */
  async finish(port: number, isGivenUp: () => boolean = () => false): Promise<void> {
    while ((await this.run(port)) === 'cut off' && !isGivenUp()) await wait(50)
  }

  /** Ends the connection as a lost network does. */
  vanish(): void {
    this.#socket?.resetAndDestroy()
  }

  #isOver(index: number): boolean {
    return this.#progress[index] === 'acknowledged' || this.#progress[index] === 'refused'
  }

  #isAccepted({ body }: ReceivedPacket): boolean {
    const code = body[1] as number
    if (code !== 0) {
      this.refusedConnects.push(code)
      return false
    }
    if (this.connections++ > 0 && body[0] !== 1) this.sessionsLost++
    return true
  }

  #send(socket: Socket, index: number): void {
    const { topic, text, qos, retain = false } = this.#messages[index] as DeviceMessage
    const packetId = packetIdOf(index)
    if (this.#progress[index] === 'received') {
      socket.write(acknowledgementBytes('pubrel', packetId))
      return
    }
    const dup = this.#progress[index] === 'sent'
    this.#progress[index] = qos === 0 ? 'acknowledged' : 'sent'
    socket.write(publishBytes(this.#options.level, { topic, payload: text, qos, packetId, dup, retain }))
  }

  #take(socket: Socket, { type, body }: ReceivedPacket, inFlight: Map<number, number>): void {
    const packetId = body.readUInt16BE(0)
    const code = body[2] ?? 0
    const index = inFlight.get(packetId)
    if (index === undefined) throw new Error(`a packet of type ${type} for ${packetId}, which is not in flight`)
    const { qos, text } = this.#messages[index] as DeviceMessage
    if (code >= 0x80 && type !== packetType.pubcomp) {
      inFlight.delete(packetId)
      this.#progress[index] = 'refused'
      this.refusals.set(text, code)
    } else if (type === (qos === 1 ? packetType.puback : packetType.pubcomp)) {
      inFlight.delete(packetId)
      this.#progress[index] = 'acknowledged'
      this.#options.onAcknowledged?.(++this.#acknowledgedCount)
    } else if (type === packetType.pubrec && qos === 2) {
      this.#progress[index] = 'received'
      socket.write(acknowledgementBytes('pubrel', packetId))
    } else throw new Error(`a packet of type ${type} for a publish with QoS ${qos}`)
  }
}

/** The same for a message on every connection, as a retransmission needs. */
function packetIdOf(index: number): number {
  return 1 + (index % 65_535)
}

/** Messages `<prefix>0`, `<prefix>1` ... to one topic. */
export function messages(
  prefix: string,
  count: number,
  { topic, qos, retain = false }: { readonly topic: string; readonly qos: 0 | 1 | 2; readonly retain?: boolean },
): DeviceMessage[] {
  return Array.from({ length: count }, (_, i) => ({ topic, text: `${prefix}${i}`, qos, retain }))
}
