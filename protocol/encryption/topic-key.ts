import { toBase64url } from '../bytes.ts'
import { encodeCbor } from '../cbor/index.ts'
import { ExchangeFields, malformedExchange } from '../key-exchange/index.ts'
import { encodeClientId } from '../topics/index.ts'
import { topicKeyPrefix } from './key-topics.ts'

/** A key for all topics of a filter, as its owner hands it out inside a COSE_Encrypt. */
export interface TopicKey {
  /** Topic filter whose messages it encrypts. */
  readonly filter: string
  /** Grows with every key of a filter: an older one never takes the place of a newer one. */
  readonly epoch: number
  /** 16 or 32 bytes. */
  readonly key: Uint8Array
}

const field = { filter: 1, epoch: 2, key: 3 } as const

/**
 * `notarymq/topic-key/<owner>/<filter>`: thumbprint in base64url, filter percent-encoded as client ids are. The newest
 * key message is retained there.
 */
export function topicKeyTopic(owner: Uint8Array, filter: string): string {
  return `${topicKeyPrefix}${toBase64url(owner)}/${encodeClientId(filter)}`
}

export function encodeTopicKey({ filter, epoch, key }: TopicKey): Uint8Array {
  return encodeCbor(
    new Map<number, string | number | Uint8Array>([
      [field.filter, filter],
      [field.epoch, epoch],
      [field.key, key],
    ]),
  )
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_KEY_EXCHANGE_MALFORMED */
export function parseTopicKey(content: Uint8Array): TopicKey {
  const fields = new ExchangeFields(content)
  const topicKey = {
    filter: fields.text(field.filter),
    epoch: fields.uint(field.epoch),
    key: fields.bytes(field.key, 16, 32),
  }
  fields.end()
  if (topicKey.key.length !== 16 && topicKey.key.length !== 32) throw malformedExchange('length of the topic key')
  return topicKey
}

const keyIdBytes = 8

/**
 * Header 4 of the messages under a topic key, and of the COSE_Encrypt that brings it: the epoch, 8 bytes big-endian. So
 * somebody who is no recipient any more sees that there is a newer key.
 */
export function topicKeyId(epoch: number): Uint8Array {
  const id = new Uint8Array(keyIdBytes)
  new DataView(id.buffer).setBigUint64(0, BigInt(epoch))
  return id
}

/** Inverse of {@link topicKeyId}. @returns undefined for what is none */
export function epochOfKeyId(id: Uint8Array): number | undefined {
  if (id.length !== keyIdBytes) return undefined
  const epoch = new DataView(id.buffer, id.byteOffset).getBigUint64(0)
  return epoch <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(epoch) : undefined
}
