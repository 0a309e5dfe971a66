import { CborReader, CborWriter } from '../../protocol/index.ts'
import type { QoS } from '../edge/index.ts'
import { RetainedTree } from '../router/index.ts'
import type { ClientName } from './delivery-rules.ts'
import type { Message } from './message.ts'
import type { SessionStore } from './session-store.ts'

/** A retained message: its own copy, since it outlives the block of its record and the socket read it came in. */
export interface RetainedMessage extends Message {
  /** Who published it; undefined: the broker. */
  readonly source: ClientName | undefined
}

/** 1 did not say who published it. */
const version = 2

/**
 * CBOR `[2, index, qos, expires at / nil, properties, payload, client id / nil, username / nil, listener / nil]`; the topic
 * is the key.
 */
export function encodeRetained(message: RetainedMessage): Uint8Array {
  const { index, qos, expiresAtMs, properties, payload, source } = message
  const writer = new CborWriter(128 + properties.length + payload.length).array(9).int(version).int(index).int(qos)
  if (expiresAtMs === Number.POSITIVE_INFINITY) writer.nil()
  else writer.int(expiresAtMs)
  writer.bytes(properties).bytes(payload)
  return writer.textOrNil(source?.clientId).textOrNil(source?.username).textOrNil(source?.listener).finish()
}

/** @throws {ProtocolError} ERR_CBOR_*; {RangeError} on another version */
export function decodeRetained(key: Uint8Array, encoded: Uint8Array): RetainedMessage {
  const reader = new CborReader(encoded)
  const items = reader.array()
  const found = reader.uint()
  if (!(found === 1 && items === 6) && !(found === version && items === 9)) {
    throw new RangeError('a retained message written by another version')
  }
  const index = reader.uint()
  const qos = reader.uint() as QoS
  let expiresAtMs = Number.POSITIVE_INFINITY
  if (reader.isNil()) reader.nil()
  else expiresAtMs = reader.uint()
  const properties = Buffer.from(reader.bytes())
  const payload = Buffer.from(reader.bytes())
  const source = found === 1 ? undefined : readSource(reader)
  reader.end()
  const topicBytes = Buffer.from(key)
  const topic = topicBytes.toString()
  return { index, topic, topicBytes, payload, properties, qos, retain: true, expiresAtMs, source }
}

function readSource(reader: CborReader): ClientName | undefined {
  const [clientId, username, listener] = [reader.textOrNil(), reader.textOrNil(), reader.textOrNil()]
  return clientId === undefined ? undefined : { clientId, username, listener }
}

/** All retained messages, in memory and on disk. */
export class RetainedMessages {
  readonly #tree = new RetainedTree<RetainedMessage>()
  readonly #store: SessionStore
  readonly #now: () => number
  #bytes = 0

  constructor(store: SessionStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  get size(): number {
    return this.#tree.size
  }

  /** Payload bytes of all. */
  get bytes(): number {
    return this.#bytes
  }

  #set(message: RetainedMessage): void {
    const before = this.#tree.set(message.topic, message)
    this.#bytes += message.payload.length - (before?.payload.length ?? 0)
  }

  #delete(topic: string): RetainedMessage | undefined {
    const before = this.#tree.delete(topic)
    this.#bytes -= before?.payload.length ?? 0
    return before
  }

  async load(): Promise<void> {
    for await (const [key, value] of this.#store.sublevels.retained.iterator()) {
      const message = decodeRetained(key, value)
      this.#set(message)
    }
  }

  /** A publish with the retain flag is about to be recorded: it replaces, or with an empty payload removes. [MQTT-5.0 3.3.1-5..7] */
  apply(message: Message, isEmpty: boolean, source: ClientName): void {
    if (isEmpty) {
      this.#remove(message.topic)
      return
    }
    const copy = { ...message, payload: Buffer.from(message.payload), source }
    this.#set(copy)
    this.#store.putRetained(copy)
  }

  /** One of the broker's own, which is made anew after a start. An empty payload removes it. */
  keepInMemory(message: Message): void {
    if (message.payload.length === 0) this.#delete(message.topic)
    else this.#set({ ...message, source: undefined })
  }

  /** Those of the broker itself, too. */
  all(): Iterable<RetainedMessage> {
    return this.#tree.values()
  }

  /** Those that match and have not expired. */
  match(topicFilter: string): RetainedMessage[] {
    const found: RetainedMessage[] = []
    const now = this.#now()
    for (const message of this.#tree.match(topicFilter)) {
      if (message.expiresAtMs <= now) this.#remove(message.topic)
      else found.push(message)
    }
    return found
  }

  #remove(topic: string): void {
    if (this.#delete(topic) !== undefined) this.#store.deleteRetained(topic)
  }
}
