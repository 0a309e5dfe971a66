import { CborReader, CborWriter } from '../../protocol/index.ts'
import type { QoS } from '../edge/index.ts'
import { RetainedTree } from '../router/index.ts'
import type { Message } from './message.ts'
import type { SessionStore } from './session-store.ts'

/** A retained message: its own copy, since it outlives the block of its record and the socket read it came in. */
export type RetainedMessage = Message

const version = 1

/** CBOR `[1, index, qos, expires at / nil, properties, payload]`; the topic is the key. */
export function encodeRetained({ index, qos, expiresAtMs, properties, payload }: RetainedMessage): Uint8Array {
  const writer = new CborWriter(48 + properties.length + payload.length).array(6).int(version).int(index).int(qos)
  if (expiresAtMs === Number.POSITIVE_INFINITY) writer.nil()
  else writer.int(expiresAtMs)
  return writer.bytes(properties).bytes(payload).finish()
}

/** @throws {ProtocolError} ERR_CBOR_*; {RangeError} on another version */
export function decodeRetained(key: Uint8Array, encoded: Uint8Array): RetainedMessage {
  const reader = new CborReader(encoded)
  reader.array(6)
  if (reader.uint() !== version) throw new RangeError('a retained message written by another version')
  const index = reader.uint()
  const qos = reader.uint() as QoS
  let expiresAtMs = Number.POSITIVE_INFINITY
  if (reader.isNil()) reader.nil()
  else expiresAtMs = reader.uint()
  const properties = Buffer.from(reader.bytes())
  const payload = Buffer.from(reader.bytes())
  reader.end()
  const topicBytes = Buffer.from(key)
  return { index, topic: topicBytes.toString(), topicBytes, payload, properties, qos, retain: true, expiresAtMs }
}

/** All retained messages, in memory and on disk. */
export class RetainedMessages {
  readonly #tree = new RetainedTree<RetainedMessage>()
  readonly #store: SessionStore
  readonly #now: () => number

  constructor(store: SessionStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  get size(): number {
    return this.#tree.size
  }

  async load(): Promise<void> {
    for await (const [key, value] of this.#store.sublevels.retained.iterator()) {
      const message = decodeRetained(key, value)
      this.#tree.set(message.topic, message)
    }
  }

  /** A publish with the retain flag is about to be recorded: it replaces, or with an empty payload removes. [MQTT-5.0 3.3.1-5..7] */
  apply(message: Message, isEmpty: boolean): void {
    if (isEmpty) {
      this.#remove(message.topic)
      return
    }
    const copy = { ...message, payload: Buffer.from(message.payload) }
    this.#tree.set(message.topic, copy)
    this.#store.putRetained(copy)
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
    if (this.#tree.delete(topic) !== undefined) this.#store.deleteRetained(topic)
  }
}
