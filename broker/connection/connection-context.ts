import type { Aedes } from 'aedes'
import type {
  AddressPenalties,
  AdminService,
  DirectTopics,
  IdentityService,
  KeyExchangeService,
  PublishGate,
  ReceiptPush,
} from '../../plugins/index.ts'
import type { FlushQueue } from '../edge/output.ts'
import type { BrokerLogger } from '../logger.ts'
import type { BrokerCounters } from '../metrics/index.ts'
import type { AccessRules } from '../security/access-rules.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { ClientConnection } from './client-connection.ts'
import type { Refusals } from './refusals.ts'

/** What all connections of a broker share. Settings are read at every use: a reload changes them. */
export interface ConnectionContext {
  /** Knows who is connected, authenticates, and closes an earlier connection of the same client. */
  readonly engine: Aedes
  readonly streams: WeakMap<object, ClientConnection>
  readonly gate: PublishGate
  readonly sessions: Sessions
  /** What each client may do. */
  readonly access: Pick<AccessRules, 'accessOf' | 'mayWrite' | 'readerOf'>
  readonly topics: DirectTopics
  readonly receipts: ReceiptPush
  readonly admin: AdminService
  readonly keyExchange: KeyExchangeService
  readonly identity: IdentityService
  /** Who has to wait before it may connect again. */
  readonly penalties: AddressPenalties
  readonly flushQueue: FlushQueue
  readonly counters: BrokerCounters
  readonly anonymousAdmin: boolean
  /** Usernames that are administrators when they are proven. */
  readonly admins: readonly string[]
  /** Every client id begins with one of these; none: with anything. */
  readonly clientIdPrefixes: readonly string[]
  /** Payload bytes that a publish may have; 0: any. */
  readonly messageSizeLimit: number
  /** Whether there are as many clients as there may be, and this one is not among them. */
  readonly isFull: (clientId: string) => boolean
  /** Seconds that a session without a connection lives at most; 0: as long as its client asked. */
  readonly persistentClientExpirationSeconds: number
  /** Base of the Response Information of MQTT 5; undefined: none is given. */
  readonly responseInformation: string | undefined
  /** A client id that a client chose must fit its proven name. */
  readonly bindClientId: boolean
  /** Enrol the keys of client certificates. */
  readonly enrollCertificates: boolean
  /** What a client before MQTT 5 gets whose publish a rule refuses: its acknowledgement, or the end. */
  readonly refuseV3: 'drop' | 'disconnect'
  /** Tell publishers the index of the record. */
  readonly ackIndex: boolean
  readonly log: BrokerLogger
  /** Log that clients come and go. */
  readonly connectionMessages: boolean
  readonly onError: (error: unknown) => void
  readonly refusals: Refusals
  /** The disk has no room for more records. */
  readonly isDiskFull: () => boolean
}
