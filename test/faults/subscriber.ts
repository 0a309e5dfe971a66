import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { atEnd } from '../helpers/cleanup.ts'
import { acknowledgementBytes, disconnectBytes, type Filter, subscribeBytes } from '../helpers/conformance/build.ts'
import { packetType, type ReceivedPacket } from '../helpers/mqtt-bytes.ts'
import { type Level, openWire, type Publish, readPublish, sessionFields } from './wire.ts'

export interface SubscriberOptions {
  readonly clientId: string
  readonly level: Level
  readonly filters: readonly Filter[]
  /** Default false: the session stays. */
  readonly clean?: boolean
}

const patienceMs = 30_000

/**
 * A subscriber with a session that acknowledges what it gets, comes back when its connection breaks, and takes a QoS 2
 * message once however often it is sent, by its packet id alone, as the standard has it [MQTT-3.1.1 4.3.3-2].
 */
export class Subscriber {
  /** In the order of arrival. A QoS 2 message that came again under its packet id is not in here. */
  readonly deliveries: Publish[] = []
  readonly disconnects: number[] = []
  connections = 0
  sessionsLost = 0
  readonly #options: SubscriberOptions
  readonly #open = new Set<number>()
  #socket: Socket | undefined
  #isWanted = false
  #isReady = false
  #hasSubscribed = false
  readonly #waiting = new Set<() => void>()

  constructor(t: TestContext, options: SubscriberOptions) {
    this.#options = options
    atEnd(t, () => this.#leave())
  }

  get texts(): readonly string[] {
    return this.deliveries.map(({ text }) => text)
  }

  /** Connects, subscribes the first time, and stays, over as many connections as it takes. */
  async start(port: number): Promise<void> {
    this.#isWanted = true
    this.#connect(port)
    await this.until(() => this.#isReady, `${this.#options.clientId} is connected`)
  }

  /** Says good-bye. */
  async stop(): Promise<void> {
    this.#isWanted = false
    const socket = this.#socket
    if (socket === undefined || socket.destroyed) return
    socket.end(disconnectBytes())
    await new Promise((resolve) => socket.once('close', resolve))
  }

  /** Waits until `isDone`. @throws after a while with `what` */
  async until(isDone: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + patienceMs
    while (!isDone()) {
      if (Date.now() > deadline)
        throw new Error(`${what}: not within ${patienceMs} ms; ${this.deliveries.length} messages`)
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, 100)
        this.#waiting.add(wake)
      })
    }
  }

  /** Waits until a message with this text has come. */
  async has(text: string): Promise<void> {
    let looked = 0
    let found = false
    await this.until(() => {
      for (; looked < this.deliveries.length; looked++) if (this.deliveries[looked]?.text === text) found = true
      return found
    }, `${this.#options.clientId} has ${text}`)
  }

  #leave(): void {
    this.#isWanted = false
    this.#socket?.destroy()
  }

  #connect(port: number): void {
    const { clientId, level, clean = false } = this.#options
    this.#isReady = false
    const fields = { clientId, ...sessionFields(level, clean) }
    const take = (packets: readonly ReceivedPacket[]) => {
      for (const packet of packets) this.#take(socket, packet)
      for (const wake of this.#waiting) wake()
    }
    const socket = openWire(port, fields, take, () => {
      this.#isReady = false
      if (this.#isWanted) wait(50).then(() => this.#isWanted && this.#connect(port))
    })
    this.#socket = socket
  }

  #take(socket: Socket, packet: ReceivedPacket): void {
    const { type, body } = packet
    const { level, filters, clean } = this.#options
    if (type === packetType.connack) {
      if (body[1] !== 0) return
      const isPresent = body[0] === 1
      if (this.connections++ > 0 && clean !== true && !isPresent) this.sessionsLost++
      if (!isPresent) this.#open.clear()
      if (this.#hasSubscribed && isPresent) this.#isReady = true
      else socket.write(subscribeBytes(level, 1, filters))
    } else if (type === packetType.suback) {
      this.#hasSubscribed = true
      this.#isReady = true
    } else if (type === packetType.publish) this.#deliver(socket, readPublish(packet, level))
    else if (type === packetType.pubrel) {
      this.#open.delete(body.readUInt16BE(0))
      socket.write(acknowledgementBytes('pubcomp', body.readUInt16BE(0)))
    } else if (type === packetType.disconnect) this.disconnects.push(body[0] ?? 0)
  }

  #deliver(socket: Socket, message: Publish): void {
    const { qos, packetId } = message
    const isAgain = qos === 2 && this.#open.has(packetId)
    if (!isAgain) this.deliveries.push(message)
    if (qos === 1) socket.write(acknowledgementBytes('puback', packetId))
    if (qos !== 2) return
    this.#open.add(packetId)
    socket.write(acknowledgementBytes('pubrec', packetId))
  }
}
