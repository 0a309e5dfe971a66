import type { QoS } from '../edge/index.ts'
import type { Message } from './message.ts'

/** Messages that one commit queued for one session; on disk they are one value, gone when the last of them is done. */
export interface Chunk {
  /** Number of its first entry. */
  readonly firstNumber: number
  readonly entries: Entry[]
  /** Entries that are not done yet. */
  left: number
}

type EntryState =
  /** Not sent on this connection. */
  | 'waiting'
  | 'sent'
  /** QoS 2: the client has it (PUBREC); PUBREL is what it gets from now on. */
  | 'received'
  | 'done'

/** One message in the queue of one session. */
export interface Entry {
  /**
   * Counts the queued messages of the session; the packet id follows from it. -1: QoS 0 that is not queued, only behind
   * others for a moment.
   */
  readonly number: number
  /** Index of the record. */
  readonly index: number
  readonly qos: QoS
  /** RETAIN flag to send. */
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /** `$share/<name>/<filter>` when it came by a shared subscription. */
  readonly shared: string | undefined
  readonly bytes: number
  /** Undefined: in memory only. */
  readonly chunk: Chunk | undefined
  state: EntryState
  /** Sent before, on this or an earlier connection. */
  wasSent: boolean
  /** Kept while it waits for its own commit, and for what is in no record. */
  message: Message | undefined
}

/** What somebody is to be sent, if need be later; QoS 0 too where `queue_qos0_messages` says so. */
export type Wanted = Pick<
  Entry,
  'index' | 'qos' | 'retain' | 'subscriptionIdentifiers' | 'shared' | 'bytes' | 'message'
>

/** Where messages are that are not in memory any more. */
export interface MessageSource {
  /** Keeps a message for a while. */
  remember(message: Message): void
  get(index: number): Message | undefined
  /** Undefined when the record is not there any more. Rejects when the store cannot be read. */
  load(index: number): Promise<Message | undefined>
}

/** Why a message did not reach one client. */
export type DropReason = 'queue-full' | 'too-large' | 'expired' | 'not-keeping-up' | 'access-denied'

/** Messages with QoS 1 and 2 in all queues together. */
export interface QueueTotals {
  messages: number
  /** Of their payloads. */
  bytes: number
  /** Sent and not acknowledged. */
  inFlight: number
}

/** Limits of one queue. */
export interface QueueLimits {
  /** Messages with QoS 1 and 2 in flight towards one client; 0 is 65,535. */
  readonly maxInflightMessages: number
  /** Bytes of payload in flight towards one client; 0 is unlimited. */
  readonly maxInflightBytes: number
  /** Messages that wait beyond those in flight; 0 is unlimited. */
  readonly maxQueuedMessages: number
  /** Bytes of payload that wait; 0 is unlimited. */
  readonly maxQueuedBytes: number
}

export interface OutboxOptions {
  readonly source: MessageSource
  readonly now: () => number
  /** As they are now: a reload changes them. What is queued or in flight beyond them stays. */
  readonly limits: () => QueueLimits
  /** Kept up to date by every outbox. */
  readonly totals: QueueTotals
  /** A message for this client was dropped. */
  readonly onDropped: (clientId: string, reason: DropReason) => void
  readonly onError: (error: unknown) => void
}

/** What the session does on disk. */
export interface OutboxKeeper {
  readonly clientId: string
  /** Whether its client may be sent messages of this topic. */
  mayRead(topicName: string): boolean
  /** Every entry of the chunk is done. */
  chunkDone(chunk: Chunk): void
  /** A QoS 2 entry was received: calls back when that is durable, so that PUBREL may be sent. */
  entryReceived(entry: Entry, then: () => void): void
}
