import { bytesEqual } from '../bytes.ts'
import { CborWriter } from '../cbor/index.ts'
import { algHmac256, coseTag, headerLabel, isMacTagValid, macMac0, parseMac0 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { malformed } from './publish-headers.ts'

/** Bytes of a session id. */
export const sidBytes = 8

/** First byte of every COSE_Mac0: tag 17 in its only admitted form. */
export const mac0Start = 0xc0 | coseTag.mac0

/** `{1: 5, 4: sid}` up to the sid: strict CBOR admits one encoding, so comparing it is parsing it. */
const headersBeforeSid = new CborWriter(8).map(2).int(headerLabel.alg).int(algHmac256).int(headerLabel.kid).finish()
const sidStart = headersBeforeSid.length + 1

/** The hop MAC around a COSE_Sign1: hop by hop, made with a key that the broker has too, never evidence. */
export interface HopMac {
  /** Session whose key made it, 8 bytes. */
  readonly sid: Uint8Array
  /** HMAC-SHA-256, 32 bytes. */
  readonly tag: Uint8Array
  readonly protectedBytes: Uint8Array
  /** Empty in the attached carrier, the application payload in the detached one. */
  readonly externalAad: Uint8Array
  /** The COSE_Sign1 as it stands in the COSE_Mac0. */
  readonly content: Uint8Array
}

/** What a session gives its client for making hop MACs. */
export interface HopMacKey {
  /** 8 bytes. */
  readonly sid: Uint8Array
  /** 32 bytes. */
  readonly key: Uint8Array
}

/**
 * Takes a COSE_Mac0 for a hop MAC: `{1: 5, 4: sid}`, unprotected headers empty. What is inside is not looked at.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function parseHopMac(message: Uint8Array, externalAad: Uint8Array): HopMac {
  const { protectedBytes, unprotectedHeaders, payload, tag } = parseMac0(message)
  if (unprotectedHeaders.size !== 0 || !isHeaders(protectedBytes)) throw malformed('MAC headers')
  return { sid: protectedBytes.subarray(sidStart), tag, protectedBytes, externalAad, content: payload }
}

function isHeaders(protectedBytes: Uint8Array): boolean {
  return (
    protectedBytes.length === sidStart + sidBytes &&
    protectedBytes[headersBeforeSid.length] === (0x40 | sidBytes) &&
    bytesEqual(protectedBytes.subarray(0, headersBeforeSid.length), headersBeforeSid)
  )
}

/** Whether the session's key made this MAC over the bytes received; in constant time. */
export function isHopMacValid(mac: HopMac, key: Uint8Array, crypto: CryptoProvider): boolean {
  const { protectedBytes, content: payload, tag, externalAad } = mac
  return isMacTagValid({ protectedBytes, payload, tag }, key, externalAad, crypto)
}

/**
 * Puts a hop MAC around a COSE_Sign1.
 * @param externalAad empty for the attached carrier, the application payload for the detached one
 * @returns the COSE_Mac0: 53 bytes more than the COSE_Sign1, for short ones
 */
export function addHopMac(
  sign1Bytes: Uint8Array,
  { sid, key }: HopMacKey,
  externalAad: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  const protectedBytes = new CborWriter(sidStart + sidBytes).raw(headersBeforeSid).bytes(sid).finish()
  return macMac0(key, protectedBytes, externalAad, sign1Bytes, crypto)
}
