import { CborReader, type CborValue, decodeRecord, readMap, recordField, recordKinds } from '../../protocol/index.ts'
import { encodeMessageProperties, type MessageProperties, type QoS } from '../edge/index.ts'
import { type Message, propertiesOfRecord } from './message.ts'
import { isDetached, type PublishView, provenanceOf } from './publish-view.ts'

const nothing = Buffer.alloc(0)
const noUserProperties: NonNullable<MessageProperties['userProperties']> = []

/** A message read back from its record, byte for byte as it was delivered. */
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
  view: PublishView,
): Message | undefined {
  const reader = new CborReader(record)
  const message = new StoredMessage(index, body)
  let timeMs = 0
  let envelope: Uint8Array | undefined
  let kept: ReadonlyMap<number, CborValue> | undefined
  for (let left = reader.map(); left > 0; left--) {
    switch (reader.int()) {
      case recordField.kind:
        if (reader.int() !== recordKinds.publish) return undefined
        break
      case recordField.timeMs:
        timeMs = reader.uint()
        break
      // The second one of a bridged publish is the one that it has here.
      case recordField.topic:
      case recordField.storedTopic: {
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
        envelope = reader.bytes()
        break
      case recordField.properties:
        kept = readMap(reader, 1) as ReadonlyMap<number, CborValue>
        break
      default:
        reader.skip()
    }
  }
  const isAdding = view.addsToSome && view.addsTo(message.topic)
  if (envelope !== undefined || kept !== undefined || isAdding) dress(message, record, envelope, kept, timeMs, view)
  return message
}

/** What is more than a payload under a topic. */
function dress(
  message: StoredMessage,
  record: Uint8Array,
  envelope: Uint8Array | undefined,
  kept: ReadonlyMap<number, CborValue> | undefined,
  timeMs: number,
  view: PublishView,
): void {
  const { index, topic } = message
  const properties = kept === undefined ? {} : propertiesOfRecord(kept)
  const { userProperties = noUserProperties, messageExpiryInterval } = properties
  if (envelope !== undefined && !isDetached({ envelope }, userProperties)) {
    message.payload = view.payloadOf(topic, { envelope }, message.payload)
  }
  if (messageExpiryInterval !== undefined) message.expiresAtMs = timeMs + messageExpiryInterval * 1000
  const provenance = () => provenanceOf(index, decodeRecord(record))
  const shown = view.userPropertiesOf(topic, userProperties, envelope, provenance)
  const isKept = shown === userProperties
  message.properties = encodeMessageProperties(isKept ? properties : { ...properties, userProperties: shown })
}
