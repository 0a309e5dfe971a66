import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'

// The attached NotaryMQ envelope, written a second time by hand from the specification (COSE_Sign1, RFC 9052 section 4.2;
// deterministic CBOR, RFC 8949 section 4.2.1). Nothing comes from protocol/: a bug there must not be measured as correct here.

const esp256 = -9
const notaryHeader = -65537

/** The head of one CBOR item: major type and argument, in the shortest form. */
export function head(majorType: number, argument: number): Buffer {
  const major = majorType << 5
  if (argument < 24) return Buffer.from([major | argument])
  if (argument < 0x100) return Buffer.from([major | 24, argument])
  if (argument < 0x10000) return Buffer.from([major | 25, argument >> 8, argument & 0xff])
  const bytes = Buffer.alloc(argument < 0x100000000 ? 5 : 9)
  if (bytes.length === 5) bytes.writeUInt32BE(argument, 1)
  else bytes.writeBigUInt64BE(BigInt(argument), 1)
  bytes[0] = major | (bytes.length === 5 ? 26 : 27)
  return bytes
}

export const integer = (value: number): Buffer => (value < 0 ? head(1, -1 - value) : head(0, value))
export const bytesItem = (value: Buffer): Buffer => Buffer.concat([head(2, value.length), value])
const textItem = (value: string): Buffer => {
  const utf8 = Buffer.from(value, 'utf8')
  return Buffer.concat([head(3, utf8.length), utf8])
}

/** COSE_Key of a P-256 public key: `{1: 2, -1: 1, -2: x, -3: y}`. */
export function encodeP256Key(publicKey: KeyObject): Buffer {
  const { x, y } = publicKey.export({ format: 'jwk' })
  if (x === undefined || y === undefined) throw new TypeError('not an EC public key')
  const required = [
    [integer(1), integer(2)],
    [integer(-1), integer(1)],
    [integer(-2), bytesItem(Buffer.from(x, 'base64url'))],
    [integer(-3), bytesItem(Buffer.from(y, 'base64url'))],
  ]
  return Buffer.concat([head(5, required.length), ...required.flat()])
}

/** RFC 9679 SHA-256 thumbprint of a P-256 public key: the hash of its COSE_Key with the required members only. */
export function thumbprint(publicKey: KeyObject): Buffer {
  return createHash('sha256').update(encodeP256Key(publicKey)).digest()
}

/** `{1: -9, 4: kid, -65537: [seq, timeMs]}`. */
export function encodeProtectedHeaders(kid: Buffer, seq: number, timeMs: number): Buffer {
  return Buffer.concat([
    head(5, 3),
    integer(1),
    integer(esp256),
    integer(4),
    bytesItem(kid),
    integer(notaryHeader),
    head(4, 2),
    integer(seq),
    integer(timeMs),
  ])
}

/** `["notarymq/1", topic]`: it binds the signature to one topic. */
export function encodeExternalAad(topicName: string): Buffer {
  return Buffer.concat([head(4, 2), textItem('notarymq/1'), textItem(topicName)])
}

/** What is signed: `["Signature1", protected, external_aad, payload]`. */
export function encodeSigStructure(protectedHeaders: Buffer, externalAad: Buffer, payload: Buffer): Buffer {
  return Buffer.concat([
    head(4, 4),
    textItem('Signature1'),
    bytesItem(protectedHeaders),
    bytesItem(externalAad),
    bytesItem(payload),
  ])
}

/** What travels: tag 18, `[protected, {}, payload, signature]`. */
export function encodeSign1(protectedHeaders: Buffer, payload: Buffer, signature: Buffer): Buffer {
  return Buffer.concat([
    head(6, 18),
    head(4, 4),
    bytesItem(protectedHeaders),
    head(5, 0),
    bytesItem(payload),
    bytesItem(signature),
  ])
}

/** Where the payload begins inside an envelope made by `encodeSign1`. */
export function payloadOffset(protectedHeaders: Buffer, payloadBytes: number): number {
  return 2 + bytesItem(protectedHeaders).length + 1 + head(2, payloadBytes).length
}

export interface Signer {
  envelope(payload: Buffer, seq: number, timeMs: number): Buffer
  /** Offset of the payload for sequence numbers and times of this size. */
  payloadOffset(payloadBytes: number, seq: number, timeMs: number): number
}

/** Signs for one topic with one P-256 key (PKCS #8 PEM). Signatures are r || s; high s is left as OpenSSL made it. */
export function createSigner(privateKeyPem: string, topicName: string): Signer {
  const key = createPrivateKey(privateKeyPem)
  const kid = thumbprint(createPublicKey(key)).subarray(0, 8)
  const externalAad = encodeExternalAad(topicName)
  return {
    envelope(payload, seq, timeMs) {
      const protectedHeaders = encodeProtectedHeaders(kid, seq, timeMs)
      const toBeSigned = encodeSigStructure(protectedHeaders, externalAad, payload)
      return encodeSign1(protectedHeaders, payload, sign('sha256', toBeSigned, { key, dsaEncoding: 'ieee-p1363' }))
    },
    payloadOffset: (payloadBytes, seq, timeMs) => payloadOffset(encodeProtectedHeaders(kid, seq, timeMs), payloadBytes),
  }
}
