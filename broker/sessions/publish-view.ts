import { reservedPropertyPrefix, type VerifiedPublish, withoutReserved } from '../../plugins/index.ts'
import {
  type ChainRecord,
  detachedProperty,
  detachedValueOf,
  encodeSign1,
  parseSign1,
  TopicSet,
  toBase64url,
} from '../../protocol/index.ts'
import type { MessageProperties } from '../edge/index.ts'
import { type Message, messageOf } from './message.ts'

/** What subscribers are shown of publishes, beyond what was published. */
export interface PublishViewOptions {
  /** Topics of which they get the inner payload of attached envelopes. */
  readonly unwrap: readonly string[]
  /** Topics of which they are told, in user properties, who published. */
  readonly provenance: readonly string[]
}

type UserProperties = NonNullable<MessageProperties['userProperties']>

const noUserProperties: UserProperties = []

/**
 * How a recorded publish looks to its subscribers: without the hop MAC, which concerns nobody else; with its envelope, or
 * without it where the operator says so; and with what the broker vouches for. The same for a message on its way and for
 * one that is read back from its record.
 */
export class PublishView {
  #unwrap: TopicSet
  #provenance: TopicSet

  constructor({ unwrap, provenance }: PublishViewOptions) {
    this.#unwrap = new TopicSet(unwrap)
    this.#provenance = new TopicSet(provenance)
  }

  /** These hold from now on. What is retained stays as it was shown when it was published. */
  apply({ unwrap, provenance }: PublishViewOptions): void {
    this.#unwrap = new TopicSet(unwrap)
    this.#provenance = new TopicSet(provenance)
  }

  /** The broker adds user properties to some messages. */
  get addsToSome(): boolean {
    return !this.#provenance.isEmpty
  }

  /** Whether the broker adds user properties to messages of a topic. */
  addsTo(topic: string): boolean {
    return this.#provenance.has(topic)
  }

  /** The message that a publish becomes when it has its index. @param properties as they were published */
  messageOf(
    index: number,
    record: ChainRecord,
    { publish, signature }: VerifiedPublish,
    properties: MessageProperties | undefined,
  ): Message {
    const { topic, qos, retain } = publish
    let { payload } = publish
    if (signature?.envelope.carrier === 'attached') {
      const { payload: body, mac } = signature.envelope
      payload = this.payloadOf(topic, record, body, mac?.content ?? payload)
    }
    const shown = this.#propertiesOf(topic, index, record, properties)
    return messageOf({ index, topic, payload, qos, retain, properties: shown, timeMs: record.timeMs })
  }

  #propertiesOf(
    topic: string,
    index: number,
    record: ChainRecord,
    properties: MessageProperties | undefined,
  ): MessageProperties | undefined {
    const given = properties?.userProperties ?? noUserProperties
    const shown = this.userPropertiesOf(topic, given, record.envelope, () => provenanceOf(index, record))
    return shown === given ? properties : { ...properties, userProperties: shown }
  }

  /**
   * The payload, of a publish with an attached envelope.
   * @param topic that it is delivered under
   * @param sign1 the envelope as it came, where it is at hand
   */
  payloadOf(topic: string, record: Pick<ChainRecord, 'envelope'>, body: Uint8Array, sign1?: Uint8Array): Uint8Array {
    const { envelope } = record
    if (envelope === undefined || this.#unwrap.has(topic)) return body
    return sign1 ?? encodeSign1(parseSign1(envelope), body)
  }

  /**
   * The user properties: those published, in their order, the envelope without its MAC, then the broker's own.
   * @param given as published, or as the record keeps them
   * @param provenance asked for where the broker adds it
   * @returns `given` itself when they are to stay as they are
   */
  userPropertiesOf(
    topic: string,
    given: UserProperties,
    envelope: Uint8Array | undefined,
    provenance: () => UserProperties,
  ): UserProperties {
    const allowed = withoutReserved(given)
    const isCarrier = envelope !== undefined && isDetached({ envelope }, allowed)
    const kept = isCarrier ? allowed.map((pair) => withEnvelope(pair, envelope)) : allowed
    return this.addsTo(topic) ? [...kept, ...provenance()] : kept
  }
}

/** Whether a record keeps a detached envelope: its place among the user properties says so. */
export function isDetached({ envelope }: Pick<ChainRecord, 'envelope'>, given: UserProperties): boolean {
  return envelope !== undefined && given.some(([name]) => name === detachedProperty)
}

function withEnvelope(pair: UserProperties[number], envelope: Uint8Array): UserProperties[number] {
  return pair[0] === detachedProperty ? [detachedProperty, detachedValueOf(envelope)] : pair
}

/** What the broker vouches for. */
export function provenanceOf(index: number, record: ChainRecord): UserProperties {
  const { clientId = '', username, auth = 'none', thumbprint, timeMs } = record
  const said: [name: string, value: string][] = [
    ['index', String(index)],
    ['client', clientId],
  ]
  // A name that nothing checked is a claim, and nothing to vouch for.
  if (username !== undefined && auth !== 'none') said.push(['user', username])
  said.push(['auth', auth])
  if (thumbprint !== undefined) said.push(['key', toBase64url(thumbprint)])
  said.push(['time', new Date(timeMs).toISOString()])
  return said.map(([name, value]) => [`${reservedPropertyPrefix}${name}`, value])
}

/** Shows publishes as they were published. */
export const asPublished = new PublishView({ unwrap: [], provenance: [] })
