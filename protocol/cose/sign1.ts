import { CborReader, CborWriter, readMap } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { coseTag, headerLabel, isAlgorithmForP256 } from './algorithms.ts'
import type { P256PrivateKey, P256PublicKey } from './cose-key.ts'
import { type HeaderMap, parseProtectedHeaders } from './headers.ts'
import { sigStructure } from './sig-structure.ts'

/** A COSE_Sign1 as it was received; byte strings are views into the message. */
export interface Sign1 {
  readonly protectedBytes: Uint8Array
  readonly protectedHeaders: HeaderMap
  readonly unprotectedHeaders: HeaderMap
  /** The unprotected map as encoded. */
  readonly unprotectedBytes: Uint8Array
  /** Undefined when detached (nil). */
  readonly payload: Uint8Array | undefined
  readonly signature: Uint8Array
}

/**
 * Parses one tagged COSE_Sign1 under the strict profile, without verifying anything.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function parseSign1(message: Uint8Array): Sign1 {
  const reader = new CborReader(message)
  reader.tag(coseTag.sign1)
  reader.array(4)
  const protectedBytes = reader.bytes()
  const unprotectedStart = reader.offset
  const unprotectedHeaders = readMap(reader, 1)
  const unprotectedBytes = message.subarray(unprotectedStart, reader.offset)
  let payload: Uint8Array | undefined
  if (reader.isNil()) reader.nil()
  else payload = reader.bytes()
  const signature = reader.bytes()
  reader.end()
  const protectedHeaders = parseProtectedHeaders(protectedBytes)
  return { protectedBytes, protectedHeaders, unprotectedHeaders, unprotectedBytes, payload, signature }
}

/** Encodes a COSE_Sign1 from its parts. @param payload undefined for a detached one */
export function encodeSign1(
  parts: Pick<Sign1, 'protectedBytes' | 'unprotectedBytes' | 'signature'>,
  payload: Uint8Array | undefined,
): Uint8Array {
  const size = parts.protectedBytes.length + parts.unprotectedBytes.length + (payload?.length ?? 0) + 96
  const writer = new CborWriter(size)
    .tag(coseTag.sign1)
    .array(4)
    .bytes(parts.protectedBytes)
    .raw(parts.unprotectedBytes)
  if (payload === undefined) writer.nil()
  else writer.bytes(payload)
  return writer.bytes(parts.signature).finish()
}

/** Encoded unprotected headers when there are none. */
export const emptyMap: Uint8Array = Uint8Array.of(0xa0)

/** Signs with ECDSA P-256. @param protectedBytes must name ESP256 as alg */
export function signSign1(
  key: P256PrivateKey,
  protectedBytes: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  return encodeSign1(signed(key, protectedBytes, externalAad, payload, crypto), payload)
}

/** As {@link signSign1}, with the payload signed but not carried (RFC 9052 section 4.1). */
export function signSign1Detached(
  key: P256PrivateKey,
  protectedBytes: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  return encodeSign1(signed(key, protectedBytes, externalAad, payload, crypto), undefined)
}

function signed(
  key: P256PrivateKey,
  protectedBytes: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
  crypto: CryptoProvider,
): Pick<Sign1, 'protectedBytes' | 'unprotectedBytes' | 'signature'> {
  const signature = crypto.signP256(key, sigStructure(protectedBytes, externalAad, payload))
  return { protectedBytes, unprotectedBytes: emptyMap, signature }
}

/**
 * Verifies one COSE_Sign1 (RFC 9052 section 4.4) over the bytes received.
 * @param payload the payload when it is detached
 * @throws {ProtocolError} ERR_COSE_MALFORMED, ERR_COSE_ALG_NOT_ALLOWED, ERR_COSE_SIGNATURE_INVALID
 */
export async function verifySign1(
  sign1: Sign1,
  key: P256PublicKey,
  externalAad: Uint8Array,
  crypto: CryptoProvider,
  payload: Uint8Array | undefined = sign1.payload,
): Promise<void> {
  if (payload === undefined) throw new ProtocolError('ERR_COSE_MALFORMED', 'detached payload was not supplied')
  const alg = sign1.protectedHeaders.get(headerLabel.alg)
  if (typeof alg !== 'number' || !isAlgorithmForP256(alg)) {
    throw new ProtocolError('ERR_COSE_ALG_NOT_ALLOWED', 'alg is not ESP256 or ES256')
  }
  const valid = await crypto.verifyP256(key, sigStructure(sign1.protectedBytes, externalAad, payload), sign1.signature)
  if (!valid) throw new ProtocolError('ERR_COSE_SIGNATURE_INVALID', 'signature does not verify')
}
