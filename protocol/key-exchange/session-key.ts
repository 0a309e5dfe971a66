import { concatBytes, utf8 } from '../bytes.ts'
import { contextLabel, type P256PrivateKey, type P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'

/** Bytes of a session key, as of every key that is derived from one. */
export const sessionKeyBytes = 32

const macLabel = utf8(`${contextLabel} mac`)

/** What both sides know when the response has been sent. */
export interface ExchangeTranscript {
  readonly clientNonce: Uint8Array
  readonly brokerNonce: Uint8Array
  /** SHA-256 of the messages as they were sent: a session key belongs to this one exchange, signatures included. */
  readonly requestDigest: Uint8Array
  readonly responseDigest: Uint8Array
}

/**
 * The key of a session: HKDF-SHA256(ikm = x coordinate of the shared point, salt = client nonce || broker nonce,
 * info = "notarymq/1 mac" || SHA-256(request) || SHA-256(response)), 32 bytes.
 * @param own this side's ephemeral key
 * @param peer the other side's
 * @throws {ProtocolError} ERR_KEY_INVALID
 */
export function deriveSessionKey(
  own: P256PrivateKey,
  peer: P256PublicKey,
  transcript: ExchangeTranscript,
  crypto: CryptoProvider,
): Uint8Array {
  const { clientNonce, brokerNonce, requestDigest, responseDigest } = transcript
  const sharedX = crypto.ecdhP256(own, peer)
  const info = concatBytes(macLabel, requestDigest, responseDigest)
  return crypto.hkdfSha256(sharedX, concatBytes(clientNonce, brokerNonce), info, sessionKeyBytes)
}
