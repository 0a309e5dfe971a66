import { encodeAcknowledgement } from '../edge/encode-acknowledgement.ts'
import {
  type Frame,
  Framer,
  type OutgoingPublish,
  type ProtocolVersion,
  type PublishOptions,
  packetType,
  publishBytes,
  writePublish,
} from '../edge/index.ts'
import { type FlushQueue, Output } from '../edge/output.ts'
import type { Transport } from '../listeners/index.ts'
import { disconnect, parseConnack, parseSubscribeAnswer, pingreq, type ReadConnack } from './client-packets.ts'
import { BridgeError } from './errors.ts'

/** What a link is made with. */
export interface LinkOptions {
  /** For messages, e.g. `127.0.0.1:1883`. */
  readonly peer: string
  readonly version: ProtocolVersion
  readonly flushQueue: FlushQueue
  /** CONNACK, and the answers to the first requests, have to come within this. */
  readonly answerTimeoutMs: number
}

/**
 * One connection of a bridge, in the part of a client. It knows packets and time, no messages: those are for whoever
 * relays them. It ends once, by itself or by {@link end}.
 */
export class ClientLink {
  readonly version: ProtocolVersion
  readonly peer: string
  /** Resolves when the connection is over, with why; undefined: {@link end} was called. */
  readonly closed: Promise<BridgeError | undefined>
  /** Resolves when the other side, too, has closed its part. */
  readonly gone: Promise<void>
  /** Takes publishes and acknowledgements. What it throws ends the link. */
  onFrame: (frame: Frame) => void = () => {}
  /** What was written has been taken, after {@link bufferedBytes} was high. */
  onDrain: () => void = () => {}
  readonly #transport: Transport
  readonly #output: Output
  readonly #framer = new Framer(0)
  readonly #answerTimeoutMs: number
  readonly #answers = new Map<number, (codes: readonly number[]) => void>()
  readonly #resolveClosed: (error: BridgeError | undefined) => void
  #onConnack: ((frame: Frame) => void) | undefined
  #holds = 0
  #isClosed = false
  #isConnected = false
  #keepAlive: NodeJS.Timeout | undefined
  #wasHeard = true

  constructor(transport: Transport, { peer, version, flushQueue, answerTimeoutMs }: LinkOptions) {
    this.#transport = transport
    this.peer = peer
    this.version = version
    this.#answerTimeoutMs = answerTimeoutMs
    this.#output = new Output(transport, flushQueue)
    const { promise, resolve } = withResolvers<BridgeError | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
    transport.onData((chunk) => {
      if (this.#isClosed) return
      this.#wasHeard = true
      this.#framer.push(chunk)
      this.#read()
    })
    transport.onDrain(() => this.onDrain())
    transport.onError((error) => this.fail('ERR_BRIDGE_LOST', 'the connection failed', error))
    transport.onEnd(() => this.fail('ERR_BRIDGE_LOST', 'the connection was closed'))
    this.gone = new Promise((resolve) => {
      transport.onClose(() => {
        this.fail('ERR_BRIDGE_LOST', 'the connection was closed')
        resolve()
      })
    })
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Written and not taken by the other side yet. */
  get bufferedBytes(): number {
    return this.#output.bufferedBytes
  }

  /**
   * Sends a CONNECT. When it is accepted nothing more is read before {@link release}.
   * @throws {BridgeError} ERR_BRIDGE_REFUSED with `code` in its details, ERR_BRIDGE_LOST
   */
  async connect(connect: Buffer, keepAliveSeconds: number): Promise<ReadConnack> {
    const { promise, resolve } = withResolvers<ReadConnack>()
    this.#onConnack = (frame) => {
      const connack = parseConnack(frame, this.version)
      this.hold()
      resolve(connack)
    }
    this.#output.append(connect)
    const connack = await this.#inTime(promise, 'CONNACK')
    if (connack.code !== 0) {
      this.fail('ERR_BRIDGE_REFUSED', `CONNECT was refused with ${connack.code}`, undefined, connack.code)
      await this.#ended()
    }
    this.#isConnected = true
    this.#startKeepAlive(connack.keepAliveSeconds ?? keepAliveSeconds)
    return connack
  }

  /**
   * Sends a request of the bridge itself and waits for its answer: SUBACK, UNSUBACK, PUBACK.
   * @returns their codes
   * @throws {BridgeError} ERR_BRIDGE_LOST
   */
  request(packetId: number, packet: Buffer): Promise<readonly number[]> {
    const { promise, resolve } = withResolvers<readonly number[]>()
    this.#answers.set(packetId, resolve)
    this.#output.append(packet)
    return this.#inTime(promise, `an answer to packet ${packetId}`)
  }

  /** Sends something that has no answer. */
  send(packet: Buffer): void {
    if (!this.#isClosed) this.#output.append(packet)
  }

  publish(message: OutgoingPublish, options: PublishOptions): void {
    if (this.#isClosed) return
    const at = this.#output.reserve(publishBytes(message, options))
    this.#output.commit(writePublish(this.#output.slab, at, message, options))
  }

  acknowledge(type: number, packetId: number, reasonCode: number): void {
    if (!this.#isClosed) this.#output.append(encodeAcknowledgement(type, packetId, reasonCode, this.version))
  }

  /** Reads no more for the moment. */
  hold(): void {
    this.#holds++
    // A transport that is ending reads on, or it would never see the other side's end.
    if (!this.#isClosed) this.#transport.pause()
  }

  /** Takes one {@link hold} back. */
  release(): void {
    this.#holds--
    this.#wasHeard = true
    // What waits here is looked at in a turn of its own: whoever releases may be in the middle of a packet.
    setImmediate(() => this.#read())
  }

  /** Ends the connection because of something that went wrong. */
  fail(code: 'ERR_BRIDGE_LOST' | 'ERR_BRIDGE_REFUSED', what: string, cause?: unknown, reasonCode?: number): void {
    const details = { peer: this.peer, ...(reasonCode === undefined ? undefined : { reasonCode }) }
    this.#close(new BridgeError(code, `${this.peer}: ${what}`, details, cause))
  }

  /** Says goodbye. */
  end(): void {
    if (this.#isClosed) return
    if (this.#isConnected) this.#output.append(disconnect)
    this.#close(undefined)
  }

  /** @throws {BridgeError} when the link has ended, with why */
  async #ended(): Promise<never> {
    throw (await this.closed) ?? new BridgeError('ERR_BRIDGE_LOST', `${this.peer}: the bridge is being closed`)
  }

  #inTime<T>(promise: Promise<T>, what: string): Promise<T> {
    const timer = setTimeout(() => this.fail('ERR_BRIDGE_LOST', `${what} did not come in time`), this.#answerTimeoutMs)
    return Promise.race([promise, this.#ended()]).finally(() => clearTimeout(timer))
  }

  #startKeepAlive(seconds: number): void {
    if (this.#isClosed || seconds === 0) return
    this.#keepAlive = setInterval(() => {
      // While it is not read, nothing can be heard.
      if (!this.#wasHeard && this.#holds === 0) {
        this.fail('ERR_BRIDGE_LOST', `nothing was heard for ${seconds} seconds`)
        return
      }
      this.#wasHeard = false
      this.send(pingreq)
    }, seconds * 1000)
  }

  #read(): void {
    try {
      while (this.#holds === 0 && !this.#isClosed) {
        const frame = this.#framer.next()
        if (frame === undefined) break
        this.#take(frame)
      }
    } catch (error) {
      this.fail('ERR_BRIDGE_LOST', 'a packet could not be read', error)
    }
    if (this.#holds === 0 && !this.#isClosed) this.#transport.resume()
  }

  #take(frame: Frame): void {
    const onConnack = this.#onConnack
    if (onConnack !== undefined) {
      this.#onConnack = undefined
      onConnack(frame)
      return
    }
    switch (frame.type) {
      case packetType.suback:
      case packetType.unsuback: {
        const { packetId, codes } = parseSubscribeAnswer(frame.body, this.version)
        this.#answer(packetId, codes)
        return
      }
      case packetType.pingresp:
        return
      case packetType.disconnect:
        this.fail('ERR_BRIDGE_LOST', `it was ended with reason code ${frame.body[0] ?? 0}`)
        return
      case packetType.puback: {
        const packetId = frame.body.length < 2 ? 0 : frame.body.readUInt16BE(0)
        if (!this.#answer(packetId, [frame.body[2] ?? 0])) this.onFrame(frame)
        return
      }
      default:
        this.onFrame(frame)
    }
  }

  #answer(packetId: number, codes: readonly number[]): boolean {
    const resolve = this.#answers.get(packetId)
    if (resolve === undefined) return false
    this.#answers.delete(packetId)
    resolve(codes)
    return true
  }

  #close(error: BridgeError | undefined): void {
    if (this.#isClosed) return
    clearInterval(this.#keepAlive)
    this.#output.flush()
    this.#isClosed = true
    this.#transport.end()
    this.#resolveClosed(error)
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((given) => {
    resolve = given
  })
  return { promise, resolve }
}
