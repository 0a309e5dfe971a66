import {
  type AcknowledgementPacket,
  encodeMessageProperties,
  type Frame,
  type OutgoingPublish,
  type PublishOptions,
  type PublishPacket,
  packetType,
  parseAcknowledgement,
  parsePublish,
  publishBytes,
  type QoS,
  reasonCode,
} from '../edge/index.ts'
import type { ClientLink } from './client-link.ts'
import type { ReadConnack } from './client-packets.ts'
import type { RelayMemory } from './relay-memory.ts'
import type { TopicMaps } from './topic-map.ts'

/** QoS 0 messages that wait while a connection is being made. */
const maxEarlyQos0 = 1000
/** A remote broker that has not taken this much gets no QoS 0 messages for the moment. */
const congestedAtBytes = 8 * 1024 * 1024
/** Payload from the remote broker that may wait for the one here. */
const mostWaitingBytes = 4 * 1024 * 1024
/** What the broker here has not read yet; above it no more is written to it. */
const localFullAtBytes = 256 * 1024

export interface RelayOptions {
  readonly local: ClientLink
  readonly remote: ClientLink
  readonly localConnack: ReadConnack
  readonly remoteConnack: ReadConnack
  readonly maps: TopicMaps
  readonly memory: RelayMemory
  /** A message that does not go over the bridge, and why. */
  readonly onDropped: (topic: string, why: string) => void
}

/**
 * Carries messages between the two connections of a bridge, each with its packet id, and their acknowledgements back:
 * a message is acknowledged here when it was there, and the other way round. So the bridge itself keeps nothing: what is
 * not done when a connection ends is in the sessions at both brokers, which send it again on the next one, and QoS 2
 * stays exactly once from end to end. [MQTT-5.0 4.3, 4.4]
 */
export class Relay {
  readonly #options: RelayOptions
  readonly #local: ClientLink
  readonly #remote: ClientLink
  /** Local messages that wait for {@link start} or for a packet id; undefined: they go at once. */
  #waiting: PublishPacket[] | undefined = []
  #waitingQos0 = 0
  #hasStarted = false
  /** Packet ids of local messages whose exchange is finished from here: dropped, or sent with a lower QoS. */
  readonly #finishing = new Set<number>()
  /** Packet ids of remote messages that were dropped, until their PUBREL. */
  readonly #dropping = new Set<number>()
  /** Packet ids of remote messages that the broker here has not finished, as many as it admits; true: it has answered. */
  readonly #admitted = new Map<number, boolean>()
  /** Remote messages that the broker here does not take yet, in order. */
  readonly #arrived: PublishPacket[] = []
  #arrivedBytes = 0
  /** Of {@link #admitted}, those that the broker here has not answered. */
  #unanswered = 0
  /** What goes on when the PUBCOMP of a packet id that was taken back has come. */
  readonly #takenBackThere = new Map<number, () => void>()
  readonly #takenBackHere = new Map<number, () => void>()
  #isRemoteHeld = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#local = options.local
    this.#remote = options.remote
    this.#local.onFrame = (frame) => this.#fromLocal(frame)
    this.#remote.onFrame = (frame) => this.#fromRemote(frame)
    this.#local.onDrain = () => this.#takeIn()
  }

  /** From now on packet ids at the remote broker belong to messages: the bridge's own requests are answered. */
  start(): void {
    this.#hasStarted = true
    this.#flush()
  }

  #fromLocal(frame: Frame): void {
    const { type, flags, body } = frame
    const { version } = this.#local
    if (type === packetType.publish) {
      const packet = parsePublish(flags, body, version)
      if (this.#waiting === undefined) this.#sendOut(packet)
      else if (packet.qos > 0 || this.#waitingQos0++ < maxEarlyQos0) this.#waiting.push(packet)
      else this.#options.onDropped(packet.topic, 'the bridge is connecting')
      return
    }
    const packet = parseAcknowledgement(type, flags, body, version)
    if (type === packetType.pubrel) this.#releaseOut(packet)
    else this.#answerIn(type, packet)
  }

  #sendOut(packet: PublishPacket): void {
    const { maps, memory, remoteConnack, onDropped } = this.#options
    const { qos, packetId, dup } = packet
    const topic = maps.out.map(packet.topic)
    if (topic === undefined) {
      this.#finish(packet, 'no topic of the bridge has it')
      return
    }
    const lowered = Math.min(qos, remoteConnack.maximumQos) as QoS
    if (lowered === 2 && !dup && memory.out.mustTakeBack(packetId)) {
      // Everything behind it waits too, so that the order stays.
      this.#waiting = []
      this.#waitingQos0 = 0
      this.#takenBackThere.set(packetId, () => {
        this.#sendOut(packet)
        this.#flush()
      })
      this.#remote.acknowledge(packetType.pubrel, packetId, 0)
      return
    }
    if (qos === 0 && this.#remote.bufferedBytes > congestedAtBytes) {
      onDropped(packet.topic, 'the remote broker does not keep up')
      return
    }
    const message = copyMessage(packet, topic)
    const retain = packet.retain && remoteConnack.retainAvailable
    const publish = publishOptions(packet, this.#remote.version, lowered, retain)
    if (publishBytes(message, publish) > remoteConnack.maximumPacketSize) {
      this.#finish(packet, 'it is larger than the remote broker takes')
      return
    }
    this.#remote.publish(message, publish)
    if (lowered === qos) return
    if (lowered === 0) this.#finish(packet)
    else this.#finishing.add(packetId)
  }

  /** Ends the exchange of a local message from here. */
  #finish({ topic, qos, packetId }: PublishPacket, why?: string): void {
    if (why !== undefined) this.#options.onDropped(topic, why)
    if (qos === 1) this.#local.acknowledge(packetType.puback, packetId, 0)
    if (qos !== 2) return
    this.#finishing.add(packetId)
    this.#local.acknowledge(packetType.pubrec, packetId, 0)
  }

  #releaseOut({ packetId }: AcknowledgementPacket): void {
    if (this.#finishing.delete(packetId)) this.#local.acknowledge(packetType.pubcomp, packetId, 0)
    else this.#remote.acknowledge(packetType.pubrel, packetId, 0)
  }

  #flush(): void {
    const waiting = this.#waiting
    if (!this.#hasStarted || waiting === undefined) return
    this.#waiting = undefined
    for (const packet of waiting) {
      // One of them may have to wait again, and with it those after it.
      const again = this.#waiting as PublishPacket[] | undefined
      if (again === undefined) this.#sendOut(packet)
      else again.push(packet)
    }
  }

  #fromRemote(frame: Frame): void {
    const { type, flags, body } = frame
    const { version } = this.#remote
    if (type === packetType.publish) {
      const packet = parsePublish(flags, body, version)
      if (packet.qos === 0 && this.#arrivedBytes > mostWaitingBytes) {
        this.#options.onDropped(packet.topic, 'the broker here does not keep up')
        return
      }
      this.#arrived.push(packet)
      this.#arrivedBytes += packet.payload.length
      this.#takeIn()
      return
    }
    const packet = parseAcknowledgement(type, flags, body, version)
    if (type === packetType.pubrel) this.#releaseIn(packet)
    else this.#answerOut(type, packet)
  }

  #sendIn(packet: PublishPacket): void {
    const { maps, memory, onDropped } = this.#options
    const { qos, packetId, dup } = packet
    const topic = maps.in.map(packet.topic)
    if (topic === undefined) {
      onDropped(packet.topic, 'no topic of the bridge has it')
      if (qos === 1) this.#remote.acknowledge(packetType.puback, packetId, 0)
      if (qos === 2) {
        this.#dropping.add(packetId)
        this.#remote.acknowledge(packetType.pubrec, packetId, 0)
      }
      return
    }
    if (qos === 2 && !dup && memory.in.mustTakeBack(packetId)) {
      this.#takenBackHere.set(packetId, () => this.#sendIn(packet))
      this.#local.acknowledge(packetType.pubrel, packetId, 0)
      return
    }
    const publish = publishOptions(packet, this.#local.version, qos, packet.retain)
    this.#local.publish(copyMessage(packet, topic), publish)
    if (qos === 0) return
    if (this.#admitted.get(packetId) !== false) this.#unanswered++
    this.#admitted.set(packetId, false)
  }

  #releaseIn({ packetId }: AcknowledgementPacket): void {
    if (this.#dropping.delete(packetId)) this.#remote.acknowledge(packetType.pubcomp, packetId, 0)
    else this.#local.acknowledge(packetType.pubrel, packetId, 0)
  }

  /** The broker here answers what came from there. */
  #answerIn(type: number, { packetId, reasonCode: code }: AcknowledgementPacket): void {
    if (type === packetType.pubcomp) {
      const then = this.#takenBackHere.get(packetId)
      if (this.#takenBackHere.delete(packetId)) {
        then?.()
        this.#takeIn()
        return
      }
    }
    if (code === reasonCode.quotaExceeded) {
      // Refused for now only: it stays in the session there, and comes again.
      this.#local.fail('ERR_BRIDGE_REFUSED', 'a message was refused for now', undefined, code)
      return
    }
    const isRefused = code >= reasonCode.unspecifiedError
    if (isRefused && type !== packetType.pubcomp) this.#options.onDropped('', `it was refused here with ${code}`)
    if (this.#admitted.get(packetId) === false) this.#unanswered--
    if (type !== packetType.pubrec || isRefused) this.#admitted.delete(packetId)
    else this.#admitted.set(packetId, true)
    // Before MQTT 5 the other side cannot be told of a refusal, and goes on with PUBREL; that has an end of its own.
    this.#remote.acknowledge(type, packetId, code)
    this.#takeIn()
  }

  /** The broker there answers what came from here. */
  #answerOut(type: number, { packetId, reasonCode: code }: AcknowledgementPacket): void {
    if (type === packetType.pubcomp) {
      const then = this.#takenBackThere.get(packetId)
      if (this.#takenBackThere.delete(packetId)) {
        then?.()
        return
      }
    }
    if (code === reasonCode.quotaExceeded) {
      this.#remote.fail('ERR_BRIDGE_REFUSED', 'a message was refused for now', undefined, code)
      return
    }
    if (code >= reasonCode.unspecifiedError && type !== packetType.pubcomp) {
      this.#options.onDropped('', `it was refused there with ${code}`)
    }
    // Sent with QoS 1 instead of 2.
    const isLowered = type === packetType.puback && this.#finishing.has(packetId)
    this.#local.acknowledge(isLowered ? packetType.pubrec : type, packetId, isLowered ? 0 : code)
  }

  /** Gives the broker here as many messages as it takes. */
  #takeIn(): void {
    const { receiveMaximum } = this.#options.localConnack
    let next = 0
    for (; next < this.#arrived.length; next++) {
      const packet = this.#arrived[next] as PublishPacket
      if (this.#takenBackHere.size > 0 || this.#local.bufferedBytes > localFullAtBytes) break
      const isAnother = packet.qos > 0 && !this.#admitted.has(packet.packetId)
      if (isAnother && this.#admitted.size >= receiveMaximum) break
      this.#arrivedBytes -= packet.payload.length
      this.#sendIn(packet)
    }
    if (next > 0) this.#arrived.splice(0, next)
    this.#pace()
  }

  /**
   * Does not read the remote broker while too much of it waits here, if that is going to change without it: where every
   * message that was admitted waits for its PUBREL, only reading on helps. The local side is always read: were both held,
   * each could wait for the other for ever.
   */
  #pace(): void {
    const isHelped =
      this.#unanswered > 0 || this.#local.bufferedBytes > localFullAtBytes || this.#takenBackHere.size > 0
    const mustWait = this.#arrivedBytes > mostWaitingBytes && isHelped
    if (mustWait === this.#isRemoteHeld) return
    this.#isRemoteHeld = mustWait
    if (mustWait) this.#remote.hold()
    else this.#remote.release()
  }
}

/** A message under its topic on the other side: payload and properties as they were, so that signatures stay good. */
function copyMessage({ payload, properties }: PublishPacket, topic: string): OutgoingPublish {
  return { topicBytes: Buffer.from(topic), payload, properties: encodeMessageProperties(properties) }
}

function publishOptions(packet: PublishPacket, version: 3 | 4 | 5, qos: QoS, retain: boolean): PublishOptions {
  const { dup, packetId, properties } = packet
  const messageExpirySeconds = properties?.messageExpiryInterval
  return { version, qos, retain, dup: dup && qos > 0, packetId, sendTopic: true, messageExpirySeconds }
}
