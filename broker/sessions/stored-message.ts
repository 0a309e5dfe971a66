import {
  CborReader,
  type CborValue,
  encodeSign1,
  parseSign1,
  readMap,
  recordField,
  recordKinds,
} from '../../protocol/index.ts'
import { encodeMessageProperties, type QoS } from '../edge/index.ts'
import { type Message, propertiesOfRecord } from './message.ts'

const nothing = Buffer.alloc(0)

/** A message read back from its record, byte for byte as it was published. */
class StoredMessage implements Message {
  readonly index: number
  topicBytes: Buffer = nothing
  payload: Uint8Array
  properties: Buffer = nothing
  qos: QoS = 0
  retain = false
  expiresAtMs = Number.POSITIVE_INFINITY

  constructor(index: number, body: Uint8Array | undefined) {
    this.index = index
    this.payload = body ?? nothing
  }

  /** Few ask for it. */
  get topic(): string {
    return this.topicBytes.toString()
  }
}

/**
 * What a subscriber gets of a recorded publish. Reads only that of the record: queues are drained by this.
 * @returns undefined when it is the record of something else
 * @throws {ProtocolError} ERR_CBOR_*
 */
export function readStoredMessage(
  index: number,
  record: Uint8Array,
  body: Uint8Array | undefined,
): Message | undefined {
  const reader = new CborReader(record)
  const message = new StoredMessage(index, body)
  let timeMs = 0
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.int()) {
      case recordField.kind:
        if (reader.int() !== recordKinds.publish) return undefined
        break
      case recordField.timeMs:
        timeMs = reader.uint()
        break
      case recordField.topic: {
        const topic = reader.textBytes()
        message.topicBytes = Buffer.from(topic.buffer, topic.byteOffset, topic.length)
        break
      }
      case recordField.qos:
        message.qos = reader.int() as QoS
        break
      case recordField.retain:
        message.retain = reader.bool()
        break
      case recordField.envelope:
        // Of a signed publish the record keeps the envelope, and beside it the payload that was in it.
        message.payload = encodeSign1(parseSign1(reader.bytes()), message.payload)
        break
      case recordField.properties:
        addProperties(message, readMap(reader, 1) as ReadonlyMap<number, CborValue>, timeMs)
        break
      default:
        reader.skip()
    }
  }
  return message
}

function addProperties(message: StoredMessage, kept: ReadonlyMap<number, CborValue>, timeMs: number): void {
  const properties = propertiesOfRecord(kept)
  message.properties = encodeMessageProperties(properties)
  const { messageExpiryInterval } = properties
  if (messageExpiryInterval !== undefined) message.expiresAtMs = timeMs + messageExpiryInterval * 1000
}
