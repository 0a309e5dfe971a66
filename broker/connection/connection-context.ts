import type { Aedes } from 'aedes'
import type { AdminService, DirectTopics, PublishGate, PublishPolicy, Refusal } from '../../plugins/index.ts'
import type { FlushQueue } from '../edge/output.ts'
import type { BrokerLogger } from '../logger.ts'
import type { BrokerCounters } from '../metrics/index.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { ClientConnection } from './client-connection.ts'

/** What all connections of a broker share. */
export interface ConnectionContext {
  /** Knows who is connected, authenticates, and closes an earlier connection of the same client. */
  readonly engine: Aedes
  readonly streams: WeakMap<object, ClientConnection>
  readonly gate: PublishGate
  readonly sessions: Sessions
  readonly policy: PublishPolicy
  readonly topics: DirectTopics
  readonly admin: AdminService
  readonly flushQueue: FlushQueue
  readonly counters: BrokerCounters
  readonly anonymousAdmin: boolean
  /** Usernames that are administrators when they are proven. */
  readonly admins: ReadonlySet<string>
  /** Every client id begins with one of these; none: with anything. */
  readonly clientIdPrefixes: readonly string[]
  /** Payload bytes that a publish may have; 0: any. */
  readonly messageSizeLimit: number
  /** Whether there are as many clients as there may be, and this one is not among them. */
  readonly isFull: (clientId: string) => boolean
  /** Base of the Response Information of MQTT 5; undefined: none is given. */
  readonly responseInformation: string | undefined
  readonly log: BrokerLogger
  /** Log that clients come and go. */
  readonly connectionMessages: boolean
  readonly onError: (error: unknown) => void
  readonly onRefused: (refusal: Refusal, connection: ClientConnection) => void
  /** The disk has no room for more records. */
  readonly isDiskFull: () => boolean
}
