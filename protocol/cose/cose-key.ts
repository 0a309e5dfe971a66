import { bytesEqual, concatBytes } from '../bytes.ts'
import { type CborValue, decodeCbor, encodeCbor } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'

/** An ECDSA P-256 public key: coordinates as 32 bytes each, big-endian. */
export interface P256PublicKey {
  readonly x: Uint8Array
  readonly y: Uint8Array
}

/** The scalar with its public key. */
export interface P256PrivateKey extends P256PublicKey {
  readonly d: Uint8Array
}

/** An Ed25519 private key (RFC 8032) with its public key, 32 bytes each. */
export interface Ed25519PrivateKey {
  readonly seed: Uint8Array
  readonly publicKey: Uint8Array
}

const kty = 1
const crv = -1
const x = -2
const y = -3
const ktyOkp = 1
const ktyEc2 = 2
const crvP256 = 1
const crvEd25519 = 6

/** COSE_Key (RFC 9052 section 7, RFC 9053 section 7.1) with the required members only; y is never the sign bit. */
export function coseKeyOfP256(key: P256PublicKey): ReadonlyMap<number, CborValue> {
  return new Map<number, CborValue>([
    [kty, ktyEc2],
    [crv, crvP256],
    [x, key.x],
    [y, key.y],
  ])
}

/** COSE_Key of an Ed25519 public key, 32 bytes. */
export function coseKeyOfEd25519(publicKey: Uint8Array): ReadonlyMap<number, CborValue> {
  return new Map<number, CborValue>([
    [kty, ktyOkp],
    [crv, crvEd25519],
    [x, publicKey],
  ])
}

/**
 * Reads a P-256 public key from a COSE_Key. Members beyond the required ones are refused.
 * @throws {ProtocolError} ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID
 */
export function p256FromCoseKey(value: CborValue, crypto: CryptoProvider): P256PublicKey {
  if (!(value instanceof Map) || value.size !== 4 || value.get(kty) !== ktyEc2 || value.get(crv) !== crvP256) {
    throw new ProtocolError('ERR_KEY_UNSUPPORTED', 'not a P-256 COSE_Key')
  }
  return checkedP256(value.get(x), value.get(y), crypto)
}

/**
 * Reads an Ed25519 public key, 32 bytes, from a COSE_Key. Members beyond the required ones are refused.
 * @throws {ProtocolError} ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID
 */
export function ed25519FromCoseKey(value: CborValue): Uint8Array {
  if (!(value instanceof Map) || value.size !== 3 || value.get(kty) !== ktyOkp || value.get(crv) !== crvEd25519) {
    throw new ProtocolError('ERR_KEY_UNSUPPORTED', 'not an Ed25519 COSE_Key')
  }
  const publicKey = value.get(x)
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 32) {
    throw new ProtocolError('ERR_KEY_INVALID', 'an Ed25519 public key has 32 bytes')
  }
  return publicKey
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID */
export function decodeP256CoseKey(encoded: Uint8Array, crypto: CryptoProvider): P256PublicKey {
  return p256FromCoseKey(decodeCbor(encoded), crypto)
}

/** Builds a key from coordinates that came from outside, refusing points that are not on the curve. */
export function checkedP256(xBytes: unknown, yBytes: unknown, crypto: CryptoProvider): P256PublicKey {
  if (
    !(xBytes instanceof Uint8Array) ||
    !(yBytes instanceof Uint8Array) ||
    xBytes.length !== 32 ||
    yBytes.length !== 32
  ) {
    throw new ProtocolError('ERR_KEY_INVALID', 'coordinates of a P-256 key have 32 bytes each')
  }
  const key = { x: xBytes, y: yBytes }
  if (!crypto.isOnCurveP256(key)) throw new ProtocolError('ERR_KEY_INVALID', 'not a point of P-256')
  return key
}

export function isSameP256(a: P256PublicKey, b: P256PublicKey): boolean {
  return bytesEqual(a.x, b.x) && bytesEqual(a.y, b.y)
}

/** SEC 1 uncompressed point, 65 bytes. */
export function uncompressedPoint(key: P256PublicKey): Uint8Array {
  return concatBytes(Uint8Array.of(4), key.x, key.y)
}

/** Strict inverse of {@link uncompressedPoint}; whether the point is on the curve is not checked. Views. */
export function p256OfPoint(point: Uint8Array): P256PublicKey {
  if (point.length !== 65 || point[0] !== 4) throw new ProtocolError('ERR_KEY_INVALID', 'not an uncompressed point')
  return { x: point.subarray(1, 33), y: point.subarray(33) }
}

/**
 * SHA-256 thumbprint over the required members (RFC 9679 section 4): the identity of a key everywhere in NotaryMQ.
 * @returns 32 bytes
 */
export function thumbprintOfP256(key: P256PublicKey, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(encodeCbor(coseKeyOfP256(key)))
}

/** As {@link thumbprintOfP256}, of an Ed25519 public key. */
export function thumbprintOfEd25519(publicKey: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(encodeCbor(coseKeyOfEd25519(publicKey)))
}

/** Bytes of a thumbprint that a kid has at least. */
export const shortKidBytes = 8

/** The short form that messages carry. */
export function kidOf(thumbprint: Uint8Array): Uint8Array {
  return thumbprint.subarray(0, shortKidBytes)
}

/** True when `kid` is a prefix of the thumbprint, of at least 8 bytes. */
export function isKidOf(kid: Uint8Array, thumbprint: Uint8Array): boolean {
  return (
    kid.length >= shortKidBytes &&
    kid.length <= thumbprint.length &&
    bytesEqual(kid, thumbprint.subarray(0, kid.length))
  )
}
