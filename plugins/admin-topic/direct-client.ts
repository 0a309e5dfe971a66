import type { PublishPacket } from 'aedes'

/** A connection that can be told something: a client of Aedes, or of a broker of one's own. */
export interface DirectClient {
  readonly id: string
  /** Protocol version. */
  readonly version: number
  /** May hear of alarms. Default: no. */
  readonly isAdministrator?: boolean
  /** Does not take what it is sent: what is sent all the same is lost. Default: no. */
  readonly isCongested?: boolean
  /** @returns false when it is larger than the client takes, and was left out */
  publish(packet: PublishPacket, done: (error?: Error) => void): unknown
}
