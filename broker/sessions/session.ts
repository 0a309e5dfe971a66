import type { AcknowledgementType } from '../edge/edge-handler.ts'
import type { UserProperty } from '../edge/index.ts'
import type { SubscriptionOptions } from '../router/index.ts'
import type { Reader } from './delivery-rules.ts'
import type { Link } from './link.ts'
import { Outbox } from './outbox.ts'
import type { Chunk, Entry, OutboxKeeper, OutboxOptions } from './queue.ts'
import { clientPrefix } from './session-keys.ts'
import type { SessionStore } from './session-store.ts'
import type { Departure } from './sessions.ts'
import type { StoredWill } from './stored-will.ts'

/** Session Expiry Interval that means never. [MQTT-5.0 3.1.2.11.2] */
export const neverExpires = 0xffff_ffff

/** What a session needs of whoever keeps all of them. */
export interface SessionContext extends OutboxOptions {
  readonly store: SessionStore
  /** Something was written outside of a commit: have one soon. */
  requestCommit(): void
  /** Calls back when everything written so far is durable. */
  whenDurable(then: () => void): void
}

/** A QoS 2 publish of the client between PUBLISH and PUBREL. [MQTT-5.0 4.3.3] */
export interface IncomingExchange {
  /** Where it was sent last, and is answered. */
  link: IncomingLink
  /** PUBREC was sent. */
  isSettled: boolean
  /** Its packet id is on disk. */
  isStored: boolean
}

/** The part of a connection that answers publishes. */
export interface IncomingLink {
  sendAcknowledgement(
    type: AcknowledgementType,
    packetId: number,
    code: number,
    userProperties?: readonly UserProperty[],
  ): void
}

/** State of one client that may outlive its connection. [MQTT-5.0 4.1] */
export class Session implements OutboxKeeper {
  readonly clientId: string
  readonly prefix: Buffer
  readonly outbox: Outbox
  readonly subscriptions = new Map<string, SubscriptionOptions>()
  /** QoS 2 publishes from the client that wait for their PUBREL, by packet id. */
  readonly incoming = new Map<number, IncomingExchange>()
  /** Seconds that the session lives on without a connection. */
  expiryIntervalSeconds: number
  link: Link | undefined
  /** How the connection ends. */
  departure: () => Departure = () => ({ publishWill: true, sessionExpiryIntervalSeconds: undefined })
  /** Milliseconds since 1970; undefined while it is connected. */
  disconnectedAtMs: number | undefined
  will: StoredWill | undefined
  /** Of its last connection. */
  username: string | undefined
  listener: string | undefined
  /** What it may be sent; undefined: everything. */
  reader: Reader | undefined
  isEnded = false
  readonly #context: SessionContext
  /** On disk. A session that was begun to end with its connection is not. */
  readonly isDurable: boolean
  #openChunk: Chunk | undefined
  /** The last one that was written, until all of it is done. */
  #newestChunk: Chunk | undefined

  /**
   * @param isDurable default: when it may outlive its connection
   * @param nextNumber of its first message
   */
  constructor(
    clientId: string,
    expiryIntervalSeconds: number,
    context: SessionContext,
    isDurable = expiryIntervalSeconds > 0 && context.store.isPersistent,
    nextNumber = 0,
  ) {
    this.clientId = clientId
    this.prefix = clientPrefix(clientId)
    this.expiryIntervalSeconds = expiryIntervalSeconds
    this.isDurable = isDurable
    this.#context = context
    this.outbox = new Outbox(this, context, nextNumber)
  }

  get isOnline(): boolean {
    return this.link !== undefined
  }

  /** Where entries that the running commit queues go; undefined when the session is not on disk. */
  chunk(): Chunk | undefined {
    if (!this.isDurable) return undefined
    this.#openChunk ??= { firstNumber: this.outbox.nextNumber, entries: [], left: 0 }
    return this.#openChunk
  }

  /** Writes what the running commit queued. */
  writeChunk(): void {
    const chunk = this.#openChunk
    this.#openChunk = undefined
    if (chunk === undefined || chunk.entries.length === 0 || this.isEnded) return
    this.#context.store.putChunk(this, chunk)
    this.#newestChunk = chunk
  }

  /** Writes how long it lives, and that it is connected or since when it is not. */
  writeState(): void {
    if (!this.isDurable) return
    const { expiryIntervalSeconds, disconnectedAtMs, outbox, username, listener } = this
    const { sentUpTo } = outbox
    this.#context.store.putState(this, { expiryIntervalSeconds, disconnectedAtMs, sentUpTo, username, listener })
  }

  chunkDone(chunk: Chunk): void {
    if (this.isEnded) return
    if (chunk === this.#newestChunk) this.#newestChunk = undefined
    this.#context.store.deleteChunk(this, chunk)
    this.#context.requestCommit()
  }

  entryReceived(entry: Entry, then: () => void): void {
    if (this.isEnded) return
    this.#context.store.putReceived(this, entry)
    this.#context.whenDurable(then)
  }

  mayRead(topicName: string): boolean {
    return this.reader === undefined || this.reader.mayRead(topicName)
  }

  /** Takes everything off the disk. */
  erase(): void {
    if (!this.isDurable) return
    const { store } = this.#context
    for (const topicFilter of this.subscriptions.keys()) store.deleteSubscription(this, topicFilter)
    for (const [packetId, { isStored }] of this.incoming) if (isStored) store.deleteIncoming(this, packetId)
    const chunks = new Set<Chunk>()
    // While its commit is being written its entries are not in the outbox yet.
    if (this.#newestChunk !== undefined) chunks.add(this.#newestChunk)
    for (const { chunk } of this.outbox.unfinished()) if (chunk !== undefined) chunks.add(chunk)
    for (const chunk of chunks) store.deleteChunk(this, chunk)
    store.deleteState(this)
  }
}
