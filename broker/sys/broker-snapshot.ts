import type { BrokerCounts } from '../metrics/broker-counters.ts'

/** What the broker is like at this moment, beside what it counted. Cheap to make: numbers that somebody knows already. */
export interface BrokerState {
  /** Clients whose CONNECT was accepted and that are still there. */
  readonly clientsConnected: number
  /** Sessions without a connection. */
  readonly clientsDisconnected: number
  /** Subscriptions of all sessions, each client's own, without shared ones. */
  readonly subscriptions: number
  readonly sharedSubscriptions: number
  /** Retained messages, those below `$SYS` among them. */
  readonly retainedMessages: number
  /** Messages kept for anybody: retained ones, and those in queues or unacknowledged. */
  readonly storedMessages: number
  /** Their payloads. */
  readonly storedBytes: number
  /** Messages with QoS 1 and 2 that a client was sent and has not acknowledged. */
  readonly inflightMessages: number
}

export interface BrokerSnapshot {
  readonly counters: BrokerCounts
  readonly state: BrokerState
}
