import type { QoS } from '../../broker/edge/index.ts'
import type { Link } from '../../broker/sessions/link.ts'
import type { Message } from '../../broker/sessions/message.ts'

export interface SentPublish {
  readonly message: Message
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  readonly packetId: number
  readonly subscriptionIdentifiers: readonly number[]
}

/** A connection that keeps what it is told to send. */
export class TestLink implements Link {
  readonly receiveMaximum: number
  isCongested = false
  /** Payloads longer than this do not fit. */
  maximumPayloadBytes = Number.POSITIVE_INFINITY
  publishes: SentPublish[] = []
  /** What was sent, in order: `p<packet id>`, `P<packet id>` with DUP, `r<packet id>`, `r<packet id>!` for an unknown id. */
  log: string[] = []

  constructor(receiveMaximum = 65_535) {
    this.receiveMaximum = receiveMaximum
  }

  get texts(): string[] {
    return this.publishes.map(({ message }) => Buffer.from(message.payload).toString())
  }

  sendPublish(
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    subscriptionIdentifiers: readonly number[] = [],
  ): boolean {
    if (message.payload.length > this.maximumPayloadBytes) return false
    this.publishes.push({ message, qos, retain, dup, packetId, subscriptionIdentifiers })
    this.log.push(`${dup ? 'P' : 'p'}${packetId}`)
    return true
  }

  sendPubrel(packetId: number, isKnown: boolean): void {
    this.log.push(`r${packetId}${isKnown ? '' : '!'}`)
  }

  /** What was sent since the last call. */
  takeLog(): string[] {
    return this.log.splice(0)
  }
}
