import type { CborValue } from '../cbor/index.ts'
import { messagePropertyIds } from './vocabulary.ts'

/** MQTT 5 properties of an application message, as far as a record keeps them. [MQTT-5.0 3.3.2.3] */
export interface RecordableProperties {
  readonly payloadFormatIndicator?: 0 | 1
  /** Seconds. */
  readonly messageExpiryInterval?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  /** In the order in which they were sent. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[]
}

/** The properties of a publish as its record keeps them; undefined when there are none. */
export function recordProperties(given: RecordableProperties | undefined): ReadonlyMap<number, CborValue> | undefined {
  if (given === undefined) return undefined
  const kept = new Map<number, CborValue>()
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic, correlationData } = given
  if (payloadFormatIndicator !== undefined) kept.set(messagePropertyIds.payloadFormatIndicator, payloadFormatIndicator)
  if (messageExpiryInterval !== undefined) kept.set(messagePropertyIds.messageExpiryInterval, messageExpiryInterval)
  if (contentType !== undefined) kept.set(messagePropertyIds.contentType, contentType)
  if (responseTopic !== undefined) kept.set(messagePropertyIds.responseTopic, responseTopic)
  if (correlationData !== undefined) kept.set(messagePropertyIds.correlationData, correlationData)
  const user = given.userProperties ?? []
  if (user.length > 0) {
    kept.set(
      messagePropertyIds.userProperties,
      user.map(([name, value]) => [name, value]),
    )
  }
  return kept.size > 0 ? kept : undefined
}
