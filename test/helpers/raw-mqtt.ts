import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { atEnd } from './cleanup.ts'
import {
  type ConnectFields,
  connectPacket,
  PacketSplitter,
  type PacketType,
  packetType,
  type ReceivedPacket,
} from './mqtt-bytes.ts'

/** Longest wait for an answer: the machine is shared, and a failing test may take its time. */
const patienceMs = 30_000

/** A bare TCP connection that speaks MQTT only as far as its test tells it to. */
export class RawMqtt {
  readonly socket: Socket
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>
  /** Packets that nobody asked for yet. */
  readonly #waiting: ReceivedPacket[] = []
  readonly #splitter = new PacketSplitter()
  #wake: () => void = () => {}
  #isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {
      // A reset is what many of these tests ask for; `closed` tells.
    })
    socket.on('data', (chunk) => {
      this.#waiting.push(...this.#splitter.push(chunk))
      this.#wake()
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      })
    })
  }

  /** Connects and sends nothing; closed when the test ends. */
  static async open(t: TestContext, port: number): Promise<RawMqtt> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    atEnd(t, () => socket.destroy())
    await once(socket, 'connect')
    return new RawMqtt(socket)
  }

  /** Connects and is accepted. @throws {Error} when the broker refuses */
  static async connect(t: TestContext, port: number, fields: ConnectFields): Promise<RawMqtt> {
    const client = await RawMqtt.open(t, port)
    client.write(connectPacket(fields))
    const { body } = await client.next('connack')
    if (body[1] !== 0) throw new Error(`CONNACK ${body.toString('hex')}`)
    return client
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Writes everything in one go. */
  write(...packets: readonly Uint8Array[]): void {
    this.socket.write(packets.length === 1 ? (packets[0] as Uint8Array) : Buffer.concat(packets))
  }

  /** The next packet of a type; those of other types before it stay for later. */
  async next(type: PacketType): Promise<ReceivedPacket> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      const at = this.#waiting.findIndex((received) => received.type === packetType[type])
      if (at >= 0) return this.#waiting.splice(at, 1)[0] as ReceivedPacket
      if (this.#isClosed) throw new Error(`the connection closed before a ${type} came`)
      if (Date.now() > deadline) throw new Error(`no ${type} within ${patienceMs} ms`)
      await this.#somethingHappens(deadline - Date.now())
    }
  }

  /** Resolves with true when the broker ends the connection, with false when it answers with `type` instead. */
  async isRefused(type: PacketType): Promise<boolean> {
    return Promise.race([
      this.closed.then(() => true),
      this.next(type).then(
        () => false,
        () => true,
      ),
    ])
  }

  /** Ends the connection with a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  #somethingHappens(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(timeoutMs, 0))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
