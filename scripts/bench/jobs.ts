import type { Cost } from './cost-meter.ts'

/** What every measurement has, as the main process sends it to the load generator. */
export interface JobBase {
  host: string
  port: number
  /** Marks the payloads, so that a late delivery of an earlier run is noticed. */
  runId: number
  /** Without any progress for so long, what is missing counts as lost. */
  quietMs: number
  /** The job ends after this time in any case. */
  deadlineMs: number
  /** Process whose CPU time and memory are read around the measurement. */
  brokerPid?: number
}

/** QoS 1 publishers with a window, each on a topic of its own: `${topicPrefix}/${publisher}`. */
export interface Publishing {
  topicPrefix: string
  publishers: number
  messagesPerPublisher: number
  payloadBytes: number
  /** Most unacknowledged messages per publisher. */
  window: number
  /** Fewest messages written at once, but for the last: with 1 the generator, not Mosquitto, was the limit. */
  batch: number
  signing?: Signing
}

/** One PKCS #8 PEM per publisher, and the first sequence number that each may use. */
export interface Signing {
  privateKeys: string[]
  firstSeq: number
}

export interface LoadJob extends JobBase, Publishing {
  kind: 'load'
  /** Each of them gets every message. */
  subscribers: number
  subscriberQos: 0 | 1
  /** With a session that is kept: Clean Session 0. It is removed at the end. */
  persistent: boolean
  /** One more client sends forged MACs to this topic meanwhile, with a session of this key. */
  flood?: { topicName: string; privateKey: string; seq: number }
}

/** Every message has a hop MAC that is wrong: each publisher makes a session first, with its first sequence number. */
export interface ForgedJob extends JobBase, Omit<Publishing, 'batch' | 'signing'> {
  kind: 'forged'
  signing: Signing
}

/** Publishes for a session that is offline, then resumes it. */
export interface QueueJob extends JobBase, Publishing {
  kind: 'queue'
  /** Which half the cost is taken of. */
  phase: 'queueing' | 'drain'
}

export interface RetainedJob extends JobBase {
  kind: 'retained'
  topics: number
  payloadBytes: number
  /** Set the topics first; else they are there from an earlier job with this runId. */
  set: boolean
}

export interface LatencyJob extends JobBase {
  kind: 'latency'
  messages: number
  payloadBytes: number
}

export interface IdleJob extends JobBase {
  kind: 'idle'
  connections: number
  keepAliveSeconds: number
}

/** No broker is asked: a chain alone, in a process of its own. */
export interface ChainJob extends JobBase {
  kind: 'append' | 'verify'
  /** Holds the chain meanwhile. */
  directory: string
  records: number
  perCommit: number
}

export type Job = LoadJob | ForgedJob | QueueJob | RetainedJob | LatencyJob | IdleJob | ChainJob

/** What the load generator answers; figures go by the names of `rows`. */
export interface Measured {
  figures: Record<string, number>
  /** Why the figures are none: something was lost, duplicated, out of order, or the broker hung up. */
  problem?: string
  cost: Cost
}
