import { type CborValue, messagePropertyIds } from '../../protocol/index.ts'
import { encodeMessageProperties, type MessageProperties, type OutgoingPublish, type QoS } from '../edge/index.ts'

/** An application message on its way to subscribers. */
export interface Message extends OutgoingPublish {
  /** Index of its record; 0, which is the genesis record, for what the broker itself says and nobody recorded. */
  readonly index: number
  readonly topic: string
  readonly qos: QoS
  /** As published. */
  readonly retain: boolean
  /** When its Message Expiry Interval is over, milliseconds since 1970; Infinity when it has none. */
  readonly expiresAtMs: number
}

export interface MessageParts {
  readonly index: number
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: MessageProperties | undefined
  /** When it was recorded. */
  readonly timeMs: number
}

const noProperties = Buffer.alloc(0)

/** The UTF-8 of topics that were published to of late. */
const encodedTopics = new Map<string, Buffer>()
const maxEncodedTopics = 4096
const maxEncodedLength = 128

function topicBytesOf(topic: string): Buffer {
  const known = encodedTopics.get(topic)
  if (known !== undefined) return known
  const encoded = Buffer.from(topic)
  if (topic.length <= maxEncodedLength) {
    if (encodedTopics.size >= maxEncodedTopics) encodedTopics.clear()
    encodedTopics.set(topic, encoded)
  }
  return encoded
}

export function messageOf({ index, topic, payload, qos, retain, properties, timeMs }: MessageParts): Message {
  const expiry = properties?.messageExpiryInterval
  return {
    index,
    topic,
    topicBytes: topicBytesOf(topic),
    payload,
    properties: properties === undefined ? noProperties : encodeMessageProperties(properties),
    qos,
    retain,
    expiresAtMs: expiry === undefined ? Number.POSITIVE_INFINITY : timeMs + expiry * 1000,
  }
}

/** Inverse of `recordProperties`. */
export function propertiesOfRecord(kept: ReadonlyMap<number, CborValue>): MessageProperties {
  const format = kept.get(messagePropertyIds.payloadFormatIndicator)
  const expiry = kept.get(messagePropertyIds.messageExpiryInterval)
  const contentType = kept.get(messagePropertyIds.contentType)
  const responseTopic = kept.get(messagePropertyIds.responseTopic)
  const correlationData = kept.get(messagePropertyIds.correlationData)
  const user = kept.get(messagePropertyIds.userProperties)
  return {
    ...(format === undefined ? undefined : { payloadFormatIndicator: format === 1 ? 1 : 0 }),
    ...(typeof expiry === 'number' ? { messageExpiryInterval: expiry } : undefined),
    ...(typeof contentType === 'string' ? { contentType } : undefined),
    ...(typeof responseTopic === 'string' ? { responseTopic } : undefined),
    ...(correlationData instanceof Uint8Array ? { correlationData: Buffer.from(correlationData) } : undefined),
    ...(Array.isArray(user) ? { userProperties: user as [string, string][] } : undefined),
  }
}
