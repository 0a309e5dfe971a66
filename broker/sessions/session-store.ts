import { type StoreDatabase, type StoreOperation, storeSublevel } from '../../plugins/index.ts'
import { encodeChunk } from './chunk-codec.ts'
import type { Chunk, Entry } from './queue.ts'
import { encodeRetained, type RetainedMessage } from './retained.ts'
import { clientPrefix, numberKey, packetIdKey } from './session-keys.ts'
import {
  encodeSessionState,
  encodeSubscription,
  type SessionState,
  type StoredSubscription,
} from './session-state-codec.ts'
import { encodeStoredWill, type StoredWill } from './stored-will.ts'

/** A client whose session is on disk. */
export interface Keyed {
  readonly clientId: string
  /** Begin of its keys. */
  readonly prefix: Buffer
}

/**
 * What sessions write: every change becomes an operation of the next group commit, in the order of the calls. With
 * `persistence false` nothing is written.
 */
export class SessionStore {
  readonly sublevels
  readonly #isPersistent: boolean
  #operations: StoreOperation[] = []

  constructor(database: StoreDatabase, isPersistent: boolean) {
    this.#isPersistent = isPersistent
    this.sublevels = {
      /** Client id -> how long the session lives and whether it is connected. */
      states: storeSublevel(database, 'sessions'),
      subscriptions: storeSublevel(database, 'subscriptions'),
      /** Number of the first entry -> entries queued by one commit. */
      queues: storeSublevel(database, 'queues'),
      /** QoS 2 entries of which PUBREC has come. */
      received: storeSublevel(database, 'received'),
      /** Packet ids of QoS 2 publishes that are recorded and wait for their PUBREL. */
      incoming: storeSublevel(database, 'incoming'),
      wills: storeSublevel(database, 'wills'),
      retained: storeSublevel(database, 'retained'),
    } as const
  }

  get isPersistent(): boolean {
    return this.#isPersistent
  }

  /** What has collected since the last call. */
  take(): readonly StoreOperation[] {
    const taken = this.#operations
    if (taken.length > 0) this.#operations = []
    return taken
  }

  putState(session: Keyed, state: SessionState): void {
    this.#put(this.sublevels.states, session.prefix, encodeSessionState(state))
  }

  deleteState(session: Keyed): void {
    this.#delete(this.sublevels.states, session.prefix)
  }

  putSubscription(session: Keyed, topicFilter: string, subscription: StoredSubscription): void {
    this.#put(this.sublevels.subscriptions, filterKey(session, topicFilter), encodeSubscription(subscription))
  }

  deleteSubscription(session: Keyed, topicFilter: string): void {
    this.#delete(this.sublevels.subscriptions, filterKey(session, topicFilter))
  }

  putChunk(session: Keyed, chunk: Chunk): void {
    this.#put(this.sublevels.queues, numberKey(session.prefix, chunk.firstNumber), encodeChunk(chunk))
  }

  /** With the marks of what was received. */
  deleteChunk(session: Keyed, chunk: Chunk): void {
    this.#delete(this.sublevels.queues, numberKey(session.prefix, chunk.firstNumber))
    for (const { qos, number } of chunk.entries) {
      if (qos === 2) this.#delete(this.sublevels.received, numberKey(session.prefix, number))
    }
  }

  putReceived(session: Keyed, entry: Entry): void {
    this.#put(this.sublevels.received, numberKey(session.prefix, entry.number), empty)
  }

  putIncoming(session: Keyed, packetId: number): void {
    this.#put(this.sublevels.incoming, packetIdKey(session.prefix, packetId), empty)
  }

  deleteIncoming(session: Keyed, packetId: number): void {
    this.#delete(this.sublevels.incoming, packetIdKey(session.prefix, packetId))
  }

  putWill(will: StoredWill): void {
    this.#put(this.sublevels.wills, willKey(will), encodeStoredWill(will))
  }

  deleteWill(will: StoredWill): void {
    this.#delete(this.sublevels.wills, willKey(will))
  }

  putRetained(message: RetainedMessage): void {
    this.#put(this.sublevels.retained, message.topicBytes, encodeRetained(message))
  }

  deleteRetained(topic: string): void {
    this.#delete(this.sublevels.retained, Buffer.from(topic))
  }

  #put(sublevel: Sublevel, key: Uint8Array, value: Uint8Array): void {
    if (this.#isPersistent) this.#operations.push({ type: 'put', sublevel, key, value })
  }

  #delete(sublevel: Sublevel, key: Uint8Array): void {
    if (this.#isPersistent) this.#operations.push({ type: 'del', sublevel, key })
  }
}

type Sublevel = ReturnType<typeof storeSublevel>

const empty = new Uint8Array(0)

/** A client may have one will on its way to being published and the one of its new connection. */
function willKey({ publisher, number }: StoredWill): Buffer {
  return numberKey(clientPrefix(publisher.clientId), number)
}

function filterKey(session: Keyed, topicFilter: string): Buffer {
  return Buffer.concat([session.prefix, Buffer.from(topicFilter)])
}
