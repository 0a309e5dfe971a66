import type { QoS } from '../edge/index.ts'
import type { Message } from './message.ts'

/** The connection of a session, as far as delivering goes. */
export interface Link {
  /** Messages with QoS 1 and 2 that the client takes before it acknowledges one. */
  readonly receiveMaximum: number
  /** The client does not read as fast as it is written to. The link says when that is over. */
  readonly isCongested: boolean
  /**
   * @param packetId 0 with QoS 0
   * @returns false when the packet would be larger than the client takes; nothing is sent then
   */
  sendPublish(
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    subscriptionIdentifiers: readonly number[],
  ): boolean
  /** @param isKnown false: the client spoke of an exchange that is not there */
  sendPubrel(packetId: number, isKnown: boolean): void
}
