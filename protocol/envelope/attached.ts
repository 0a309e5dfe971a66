import { CborReader, readMap } from '../cbor/index.ts'
import { CborWriter } from '../cbor/writer.ts'
import {
  algEsp256,
  algHmac256,
  coseTag,
  externalAad,
  headerLabel,
  kidOf,
  type P256PrivateKey,
  parseProtectedHeaders,
  parseSign1,
  type Sign1,
  shortKidBytes,
  signSign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'

const signatureBytes = 64
const thumbprintBytes = 32
const macTagBytes = 32

/** A signed publish found in an MQTT payload: parsed, not yet verified. */
export interface AttachedEnvelope {
  readonly sign1: Sign1
  /** Algorithm as claimed; the key decides whether it is admitted. */
  readonly alg: number
  /** Prefix of the signer's thumbprint, 8 to 32 bytes. */
  readonly kid: Uint8Array
  /** Sequence number of the publish under its key, below 2^53. */
  readonly seq: number
  /** Publisher's clock, milliseconds since 1970, below 2^53. */
  readonly timeMs: number
  /** The application payload. */
  readonly payload: Uint8Array
  /** True when the COSE_Sign1 came inside a COSE_Mac0 (hop MAC). */
  readonly hopMac: boolean
}

/**
 * Looks for an attached envelope in an MQTT payload. Only what parses as a whole is one; everything else, other
 * people's COSE included, is an opaque payload.
 * @returns undefined when there is none
 */
export function parseAttachedEnvelope(message: Uint8Array): AttachedEnvelope | undefined {
  const first = message[0]
  // One byte settles it for nearly every payload that is not ours: tags 17 and 18 in their only admitted form.
  if (first !== (0xc0 | coseTag.sign1) && first !== (0xc0 | coseTag.mac0)) return undefined
  try {
    if (first === (0xc0 | coseTag.mac0)) return parseSigned(unwrapMac0(message), true)
    return parseSigned(message, false)
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function parseSigned(message: Uint8Array, hopMac: boolean): AttachedEnvelope {
  const sign1 = parseSign1(message)
  const { protectedHeaders, payload } = sign1
  const alg = protectedHeaders.get(headerLabel.alg)
  const kid = protectedHeaders.get(headerLabel.kid)
  const mark = protectedHeaders.get(headerLabel.notaryPublish)
  if (typeof alg !== 'number') throw malformed('alg')
  if (!(kid instanceof Uint8Array) || kid.length < shortKidBytes || kid.length > thumbprintBytes) throw malformed('kid')
  if (!Array.isArray(mark) || mark.length !== 2) throw malformed('-65537')
  const [seq, timeMs] = mark
  if (typeof seq !== 'number' || seq < 0 || typeof timeMs !== 'number' || timeMs < 0) throw malformed('-65537')
  if (payload === undefined || sign1.signature.length !== signatureBytes) throw malformed('payload or signature')
  checkUnprotected(sign1)
  return { sign1, alg, kid, seq, timeMs, payload, hopMac }
}

/** Unprotected headers are empty, or hold receipts (RFC 9942) only. */
function checkUnprotected(sign1: Sign1): void {
  const headers = sign1.unprotectedHeaders
  if (headers.size === 0) return
  const receipts = headers.get(headerLabel.receipts)
  const areReceipts = Array.isArray(receipts) && receipts.length > 0 && receipts.every((r) => r instanceof Uint8Array)
  if (headers.size !== 1 || !areReceipts) throw malformed('unprotected headers')
}

/** The COSE_Sign1 inside a hop MAC (COSE_Mac0, `{1: 5, 4: sid}`). */
function unwrapMac0(message: Uint8Array): Uint8Array {
  const reader = new CborReader(message)
  reader.tag(coseTag.mac0)
  reader.array(4)
  const headers = parseProtectedHeaders(reader.bytes())
  const unprotected = readMap(reader, 1)
  const inner = reader.bytes()
  reader.bytes(macTagBytes)
  reader.end()
  if (headers.size !== 2 || headers.get(headerLabel.alg) !== algHmac256) throw malformed('MAC headers')
  if (!(headers.get(headerLabel.kid) instanceof Uint8Array) || unprotected.size !== 0) throw malformed('MAC headers')
  return inner
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', `not a NotaryMQ envelope: ${what}`)
}

/** Protected headers of a signed publish: `{1: -9, 4: kid, -65537: [seq, timeMs]}`. */
export function publishProtectedHeaders(kid: Uint8Array, seq: number, timeMs: number): Uint8Array {
  return new CborWriter(48)
    .map(3)
    .int(headerLabel.alg)
    .int(algEsp256)
    .int(headerLabel.kid)
    .bytes(kid)
    .int(headerLabel.notaryPublish)
    .array(2)
    .int(seq)
    .int(timeMs)
    .finish()
}

/** What a publisher signs over. */
export interface PublishToSign {
  readonly topic: string
  readonly payload: Uint8Array
  readonly seq: number
  readonly timeMs: number
}

/**
 * Makes the attached envelope of one publish.
 * @param thumbprint the signer's, 32 bytes
 * @returns the MQTT payload to send: 101 bytes more than the application payload, for short ones
 */
export function signPublish(
  key: P256PrivateKey,
  thumbprint: Uint8Array,
  publish: PublishToSign,
  crypto: CryptoProvider,
): Uint8Array {
  const headers = publishProtectedHeaders(kidOf(thumbprint), publish.seq, publish.timeMs)
  return signSign1(key, headers, externalAad(publish.topic), publish.payload, crypto)
}
