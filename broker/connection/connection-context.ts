import type { Aedes } from 'aedes'
import type { AdminService, DirectTopics, PublishGate, PublishPolicy, Refusal } from '../../plugins/index.ts'
import type { EdgeLimits } from '../edge/edge-handler.ts'
import type { FlushQueue } from '../edge/output.ts'
import type { BrokerLogger } from '../logger.ts'
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
  readonly limits: EdgeLimits
  readonly flushQueue: FlushQueue
  readonly anonymousAdmin: boolean
  /** Base of the Response Information of MQTT 5; undefined: none is given. */
  readonly responseInformation: string | undefined
  readonly log: BrokerLogger
  readonly onError: (error: unknown) => void
  readonly onRefused: (refusal: Refusal, connection: ClientConnection) => void
  /** The disk has no room for more records. */
  readonly isDiskFull: () => boolean
}
