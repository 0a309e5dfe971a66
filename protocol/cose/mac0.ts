import { CborReader, CborWriter, readMap } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { algHmac256, coseTag, headerLabel } from './algorithms.ts'
import { type HeaderMap, parseProtectedHeaders } from './headers.ts'

/** Bytes of an HMAC 256/256 tag. Truncated ones are not admitted. */
export const macTagBytes = 32

/** Major type of RFC 8949 section 3.1. */
const byteString = 2

/** A COSE_Mac0 as it was received; byte strings are views into the message. */
export interface Mac0 {
  readonly protectedBytes: Uint8Array
  readonly unprotectedHeaders: HeaderMap
  /** What is authenticated. Always carried: a detached one has no use here. */
  readonly payload: Uint8Array
  readonly tag: Uint8Array
}

/**
 * Parses one tagged COSE_Mac0 (RFC 9052 section 6.2) under the strict profile, without verifying anything. The protected
 * headers are left encoded, so that whoever knows what they have to be compares bytes.
 * @throws {ProtocolError} ERR_CBOR_*
 */
export function parseMac0(message: Uint8Array): Mac0 {
  const reader = new CborReader(message)
  reader.tag(coseTag.mac0)
  reader.array(4)
  const protectedBytes = reader.bytes()
  const unprotectedHeaders = readMap(reader, 1)
  const payload = reader.bytes()
  const tag = reader.bytes(macTagBytes)
  reader.end()
  return { protectedBytes, unprotectedHeaders, payload, tag }
}

/** Encodes a COSE_Mac0 without unprotected headers. */
export function encodeMac0(parts: Pick<Mac0, 'protectedBytes' | 'payload' | 'tag'>): Uint8Array {
  return new CborWriter(parts.protectedBytes.length + parts.payload.length + macTagBytes + 32)
    .tag(coseTag.mac0)
    .array(4)
    .bytes(parts.protectedBytes)
    .map(0)
    .bytes(parts.payload)
    .bytes(parts.tag)
    .finish()
}

/**
 * What a COSE_Mac0 authenticates (RFC 9052 section 6.3), `["MAC0", body_protected, external_aad, payload]`, in parts that
 * are to be taken one after the other: neither payload nor external_aad is copied.
 */
export function macStructure(
  protectedBytes: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
): readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  const writer = new CborWriter(protectedBytes.length + 40)
    .array(4)
    .text('MAC0')
    .bytes(protectedBytes)
    .head(byteString, externalAad.length)
  const split = writer.length
  const heads = writer.head(byteString, payload.length).finish()
  return [heads.subarray(0, split), externalAad, heads.subarray(split), payload]
}

/** Makes a COSE_Mac0 with HMAC 256/256. @param protectedBytes must name it as alg */
export function macMac0(
  key: Uint8Array,
  protectedBytes: Uint8Array,
  externalAad: Uint8Array,
  payload: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  const tag = crypto.hmacSha256(key, ...macStructure(protectedBytes, externalAad, payload))
  return encodeMac0({ protectedBytes, payload, tag })
}

/** Whether the tag is the one of HMAC 256/256 over these bytes; compared in constant time. */
export function isMacTagValid(
  mac0: Pick<Mac0, 'protectedBytes' | 'payload' | 'tag'>,
  key: Uint8Array,
  externalAad: Uint8Array,
  crypto: CryptoProvider,
): boolean {
  const tag = crypto.hmacSha256(key, ...macStructure(mac0.protectedBytes, externalAad, mac0.payload))
  return crypto.isEqualInConstantTime(tag, mac0.tag)
}

/**
 * Verifies one COSE_Mac0 (RFC 9052 section 6.3) over the bytes received.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_COSE_ALG_NOT_ALLOWED, ERR_MAC_INVALID
 */
export function verifyMac0(mac0: Mac0, key: Uint8Array, externalAad: Uint8Array, crypto: CryptoProvider): void {
  if (parseProtectedHeaders(mac0.protectedBytes).get(headerLabel.alg) !== algHmac256) {
    throw new ProtocolError('ERR_COSE_ALG_NOT_ALLOWED', 'alg is not HMAC 256/256')
  }
  if (!isMacTagValid(mac0, key, externalAad, crypto)) {
    throw new ProtocolError('ERR_MAC_INVALID', 'MAC does not verify')
  }
}
