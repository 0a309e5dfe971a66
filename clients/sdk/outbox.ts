import type { MqttClient, Packet } from 'mqtt'
import type { HopMacKey } from '../../protocol/index.ts'
import { asBuffer } from '../as-buffer.ts'
import { ClientError } from '../errors.ts'
import { ErrorWithReasonCode } from '../mqtt-js.ts'
import type { MessageToSend, PublishSigner, Sealed } from './publish-signer.ts'

/** A message on its way out. */
interface Outgoing {
  readonly message: MessageToSend
  readonly order: number
  readonly sealed: Promise<Sealed>
  readonly resolve: (packet: Packet | undefined) => void
  readonly reject: (error: unknown) => void
  /** It was taken back from MQTT.js, and is to be sent again. */
  isWithdrawn: boolean
}

/** Receive Maximum of a broker that names none [MQTT-5.0 3.2.2.3.3]. */
const noWindow = 65_535
/** What the client asks the broker itself for takes part of the window. */
const ownRequests = 3

/** What MQTT.js calls when a publish is over: how it is known again among those in flight. */
type PublishCallback = (error?: Error, packet?: Packet) => void

/**
 * Messages of the application in their order, although making them takes its time. With a gate they wait until the
 * connection is trusted, and what a lost connection left unacknowledged waits again: for a new hop MAC, and for the proof
 * that the broker is the right one. Without, MQTT.js queues and repeats as it always does. Where it is told not to
 * connect again (`reconnectPeriod: 0`) a lost connection fails all that it left.
 */
export class Outbox {
  readonly #mqtt: MqttClient
  readonly #signer: PublishSigner
  readonly #waiting: Outgoing[] = []
  readonly #inFlight = new Map<PublishCallback, Outgoing>()
  /** Packet ids of QoS 2 publishes that the broker has; MQTT.js goes on with PUBREL, which has no payload. */
  readonly #received = new Set<number>()
  /** How many the broker takes before it acknowledges; MQTT.js does not look at it [MQTT-5.0 3.3.4-9]. */
  #window = noWindow
  #session: HopMacKey | undefined
  #isOpen: boolean
  #isPumping = false
  /** The connection was lost, and nobody makes another one. */
  #isOver = false
  #order = 0
  #onSettled: (() => void)[] = []

  constructor(mqtt: MqttClient, signer: PublishSigner, isGated: boolean) {
    this.#mqtt = mqtt
    this.#signer = signer
    this.#isOpen = !isGated
    mqtt.on('connect', ({ properties }) => {
      this.#window = Math.max((properties?.receiveMaximum ?? noWindow) - ownRequests, 1)
      this.#isOver = false
    })
    mqtt.on('close', () => {
      if (isGated) this.#withdraw()
      if (mqtt.options.reconnectPeriod === 0) this.#giveUp()
      this.#tellSettled()
    })
    if (!isGated) return
    mqtt.on('packetreceive', (packet) => {
      if (packet.messageId === undefined) return
      // One that refuses ends the publish, and its id is the next one's [MQTT-5.0 4.3.3].
      if (packet.cmd === 'pubrec' && (packet.reasonCode ?? 0) < 0x80) this.#received.add(packet.messageId)
      if (packet.cmd === 'pubcomp') this.#received.delete(packet.messageId)
    })
  }

  /** @throws {ClientError} ERR_REFUSED, ERR_CONNECTION, and what sealing throws */
  add(message: MessageToSend): Promise<Packet | undefined> {
    if (this.#isOver) return Promise.reject(brokenOff(message.topic))
    return new Promise((resolve, reject) => {
      const sealed = this.#signer.seal(message)
      // Looked at when its turn comes.
      sealed.catch(() => undefined)
      this.#waiting.push({ message, order: this.#order++, sealed, resolve, reject, isWithdrawn: false })
      this.#pump()
    })
  }

  /** The connection is trusted: what waits goes, with MACs of this session where there is one. */
  open(session: HopMacKey | undefined): void {
    this.#session = session
    this.#isOpen = true
    this.#pump()
  }

  /** Resolves when nothing waits or is in flight any more, or the connection is lost. */
  settled(): Promise<void> {
    if (this.#isSettled) return Promise.resolve()
    return new Promise((resolve) => this.#onSettled.push(resolve))
  }

  get #isSettled(): boolean {
    return !this.#mqtt.connected || (this.#waiting.length === 0 && this.#inFlight.size === 0)
  }

  /** Gives up what waits. */
  abandon(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new ClientError('ERR_CONNECTION', 'the client was ended'))
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    for (let head = this.#waiting[0]; head !== undefined && this.#maySend(head); head = this.#waiting[0]) {
      const sealed = await settled(head.sealed)
      // Meanwhile the connection may have been lost, and others may be the first again.
      if (this.#waiting[0] !== head || !this.#maySend(head)) continue
      this.#waiting.shift()
      if ('error' in sealed) head.reject(sealed.error)
      else this.#send(head, sealed.value)
    }
    this.#isPumping = false
    this.#tellSettled()
  }

  #maySend({ message }: Outgoing): boolean {
    return this.#isOpen && ((message.options.qos ?? 0) === 0 || this.#inFlight.size < this.#window)
  }

  #send(outgoing: Outgoing, sealed: Sealed): void {
    const callback: PublishCallback = (error, packet) => {
      this.#inFlight.delete(callback)
      if (outgoing.isWithdrawn) return
      if (error) outgoing.reject(publishError(outgoing.message.topic, error))
      else outgoing.resolve(packet)
      this.#pump()
    }
    this.#inFlight.set(callback, outgoing)
    try {
      const { payload, options } = sealed(this.#session)
      this.#mqtt.publish(outgoing.message.topic, asBuffer(payload), options, callback)
    } catch (error) {
      // What MQTT.js does not take must not stand in the way of what follows.
      this.#inFlight.delete(callback)
      outgoing.reject(error)
    }
  }

  /** Takes back from MQTT.js what it would repeat at once on the next connection, whoever that leads to. */
  #withdraw(): void {
    this.#isOpen = false
    this.#session = undefined
    const again: Outgoing[] = []
    for (const [id, { cb }] of Object.entries(this.#mqtt.outgoing)) {
      const outgoing = this.#inFlight.get(cb as PublishCallback)
      if (outgoing === undefined || this.#received.has(Number(id))) continue
      outgoing.isWithdrawn = true
      again.push({ ...outgoing, isWithdrawn: false })
      this.#mqtt.removeOutgoingMessage(Number(id))
    }
    this.#waiting.unshift(...again.sort((a, b) => a.order - b.order))
  }

  /** Nothing of this will ever be acknowledged. */
  #giveUp(): void {
    this.#isOver = true
    for (const { message, reject } of [...this.#inFlight.values(), ...this.#waiting.splice(0)]) {
      reject(brokenOff(message.topic))
    }
    for (const [id, { cb }] of Object.entries(this.#mqtt.outgoing)) {
      if (this.#inFlight.has(cb as PublishCallback)) this.#mqtt.removeOutgoingMessage(Number(id))
    }
    this.#inFlight.clear()
  }

  #tellSettled(): void {
    if (!this.#isSettled) return
    for (const resolve of this.#onSettled.splice(0)) resolve()
  }
}

async function settled<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error }
  }
}

function brokenOff(topic: string): ClientError {
  return new ClientError('ERR_CONNECTION', `the connection broke before ${topic} was acknowledged`, { topic })
}

function publishError(topic: string, cause: Error): ClientError {
  if (cause instanceof ErrorWithReasonCode) {
    const reasonCode = cause.code
    const code = `0x${reasonCode.toString(16).padStart(2, '0')}`
    const name = cause.message.replace(/^Publish error: /, '')
    return new ClientError('ERR_REFUSED', `the broker refused ${topic} (${code} ${name})`, { topic, reasonCode }, cause)
  }
  return new ClientError('ERR_CONNECTION', `${topic} was not acknowledged: ${cause.message}`, { topic }, cause)
}
