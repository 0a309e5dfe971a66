import { concatBytes, toBase64url, utf8 } from '../bytes.ts'
import { type CborValue, encodeCbor } from '../cbor/index.ts'
import { contextLabel, coseKeyOfP256, type P256PrivateKey, type P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { checkMessageSize, ExchangeFields, nonceBytes } from '../key-exchange/index.ts'
import { pairwisePrefix } from './key-topics.ts'
import type { EncryptionKey } from './message.ts'

/**
 * The three messages by which two clients agree on a key, each a publish that its sender signs: an offer by the
 * initiator, an answer by the responder, and a confirmation, an encrypted message without content, by the initiator.
 */
export type PairwiseStep = 'offer' | 'answer' | 'confirm'

/** `notarymq/pairwise/<responder>/<initiator>/<step>`, thumbprints in base64url: signatures bind both to each message. */
export function pairwiseTopic(responder: Uint8Array, initiator: Uint8Array, step: PairwiseStep): string {
  return `${pairwisePrefix}${toBase64url(responder)}/${toBase64url(initiator)}/${step}`
}

const field = { ephemeral: 1, nonce: 2, offerDigest: 3 } as const
const keyBytes = 32
const keyIdBytes = 8
const label = utf8(`${contextLabel} pairwise`)

/** What the initiator sends. */
export interface PairwiseOffer {
  /** Made for this exchange and used in no other. */
  readonly ephemeral: P256PublicKey
  /** 16 random bytes. */
  readonly nonce: Uint8Array
}

/** What the responder sends. */
export interface PairwiseAnswer extends PairwiseOffer {
  /** SHA-256 of the offer's payload. */
  readonly offerDigest: Uint8Array
}

export function encodePairwiseOffer(offer: PairwiseOffer): Uint8Array {
  return encodeCbor(offerFields(offer))
}

export function encodePairwiseAnswer(answer: PairwiseAnswer): Uint8Array {
  return encodeCbor(offerFields(answer).set(field.offerDigest, answer.offerDigest))
}

function offerFields({ ephemeral, nonce }: PairwiseOffer): Map<number, CborValue> {
  return new Map<number, CborValue>([
    [field.ephemeral, coseKeyOfP256(ephemeral)],
    [field.nonce, nonce],
  ])
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_KEY_EXCHANGE_MALFORMED, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID */
export function parsePairwiseOffer(payload: Uint8Array, crypto: CryptoProvider): PairwiseOffer {
  checkMessageSize(payload)
  const fields = new ExchangeFields(payload)
  const offer = readOffer(fields, crypto)
  fields.end()
  return offer
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_KEY_EXCHANGE_MALFORMED, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID */
export function parsePairwiseAnswer(payload: Uint8Array, crypto: CryptoProvider): PairwiseAnswer {
  checkMessageSize(payload)
  const fields = new ExchangeFields(payload)
  const answer = { ...readOffer(fields, crypto), offerDigest: fields.bytes(field.offerDigest, 32) }
  fields.end()
  return answer
}

function readOffer(fields: ExchangeFields, crypto: CryptoProvider): PairwiseOffer {
  return { ephemeral: fields.key(field.ephemeral, crypto), nonce: fields.bytes(field.nonce, nonceBytes) }
}

/** What both sides know after the answer. */
export interface PairwiseTranscript {
  /** Thumbprints, 32 bytes each. */
  readonly initiator: Uint8Array
  readonly responder: Uint8Array
  /** Payloads as they were sent. */
  readonly offer: Uint8Array
  readonly answer: Uint8Array
}

/**
 * The key of two clients and its id: HKDF-SHA256(x coordinate of the shared point, salt = empty, info =
 * "notarymq/1 pairwise" || initiator || responder || SHA-256(offer) || SHA-256(answer)), 32 bytes of key, then 8 of id.
 * @param own this side's ephemeral key @param peer the other side's
 * @throws {ProtocolError} ERR_KEY_INVALID
 */
export function pairwiseKey(
  own: P256PrivateKey,
  peer: P256PublicKey,
  transcript: PairwiseTranscript,
  crypto: CryptoProvider,
): EncryptionKey {
  const { initiator, responder, offer, answer } = transcript
  const info = concatBytes(label, initiator, responder, crypto.sha256(offer), crypto.sha256(answer))
  const derived = crypto.hkdfSha256(crypto.ecdhP256(own, peer), new Uint8Array(0), info, keyBytes + keyIdBytes)
  return { key: derived.subarray(0, keyBytes), id: derived.subarray(keyBytes) }
}
