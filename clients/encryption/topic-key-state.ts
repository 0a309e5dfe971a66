import {
  type CborValue,
  type CryptoProvider,
  coseKeyOfP256,
  decodeCbor,
  type EncryptionKey,
  encodeCbor,
  type P256PublicKey,
  ProtocolError,
  p256FromCoseKey,
  topicKeyId,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** What a client knows about the keys of a topic filter. */
export interface TopicKeyState {
  /** Of the newest key that there is, whether this client has it or not. 0: none was seen yet. */
  readonly epoch: number
  /** The keys that it has, by epoch, ascending. */
  readonly keys: ReadonlyMap<number, EncryptionKey>
  /** Who gets the key beside the owner; known to the owner only. */
  readonly subscribers: readonly P256PublicKey[]
}

export const noTopicKey: TopicKeyState = Object.freeze({ epoch: 0, keys: new Map(), subscribers: [] })

/** Keys of a filter that are kept, the newest: retained messages may be as old. */
const maxKeys = 16

/** With a newer key, which is the one to encrypt with. */
export function withKey(state: TopicKeyState, epoch: number, key: Uint8Array): TopicKeyState {
  const keys = [...state.keys, [epoch, { id: topicKeyId(epoch), key }] as const]
  return { ...state, epoch, keys: new Map(keys.slice(-maxKeys)) }
}

/** `[epoch, {* epoch => key}, [* COSE_Key]]`: what the key store has. */
export function encodeTopicKeyState({ epoch, keys, subscribers }: TopicKeyState): Uint8Array {
  const raw = new Map([...keys].map(([at, { key }]) => [at, key]))
  return encodeCbor([epoch, raw, subscribers.map(coseKeyOfP256)])
}

/** @throws {ClientError} ERR_ENCRYPTION_KEYS */
export function decodeTopicKeyState(encoded: Uint8Array, crypto: CryptoProvider): TopicKeyState {
  try {
    const [epoch, keys, subscribers, ...rest] = listIn(decodeCbor(encoded))
    if (typeof epoch !== 'number' || !(keys instanceof Map) || rest.length > 0) throw malformed()
    return {
      epoch,
      keys: new Map([...keys].map(([at, key]) => [epochIn(at), { id: topicKeyId(epochIn(at)), key: keyIn(key) }])),
      subscribers: listIn(subscribers).map((key) => p256FromCoseKey(key, crypto)),
    }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw malformed(cause)
  }
}

function listIn(value: CborValue | undefined): readonly CborValue[] {
  if (!Array.isArray(value)) throw malformed()
  return value
}

function epochIn(value: CborValue): number {
  if (typeof value !== 'number' || value < 0) throw malformed()
  return value
}

function keyIn(value: CborValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw malformed()
  return value
}

function malformed(cause?: unknown): ClientError {
  return new ClientError('ERR_ENCRYPTION_KEYS', 'the key store has something else in place of topic keys', {}, cause)
}
