import { CborWriter } from '../cbor/index.ts'
import { algEsp256, headerLabel, type Sign1, shortKidBytes } from '../cose/index.ts'
import { ProtocolError } from '../errors.ts'

const signatureBytes = 64
const thumbprintBytes = 32

/** What the protected headers of a signed publish say. */
export interface PublishHeaders {
  /** Algorithm as claimed; the key decides whether it is admitted. */
  readonly alg: number
  /** Prefix of the signer's thumbprint, 8 to 32 bytes. */
  readonly kid: Uint8Array
  /** Sequence number of the publish under its key, below 2^53. */
  readonly seq: number
  /** Publisher's clock, milliseconds since 1970, below 2^53. */
  readonly timeMs: number
}

/**
 * Reads `{1: alg, 4: kid, -65537: [seq, timeMs]}` and checks everything else that makes a COSE_Sign1 the one of a
 * publish, carried or stored: a signature of 64 bytes, unprotected headers empty or holding receipts (RFC 9942) only.
 * @throws {ProtocolError} ERR_COSE_MALFORMED
 */
export function readPublishHeaders(sign1: Sign1): PublishHeaders {
  const { protectedHeaders } = sign1
  const alg = protectedHeaders.get(headerLabel.alg)
  const kid = protectedHeaders.get(headerLabel.kid)
  const mark = protectedHeaders.get(headerLabel.notaryPublish)
  if (typeof alg !== 'number') throw malformed('alg')
  if (!(kid instanceof Uint8Array) || kid.length < shortKidBytes || kid.length > thumbprintBytes) throw malformed('kid')
  if (!Array.isArray(mark) || mark.length !== 2) throw malformed('-65537')
  const [seq, timeMs] = mark
  if (typeof seq !== 'number' || seq < 0 || typeof timeMs !== 'number' || timeMs < 0) throw malformed('-65537')
  if (sign1.signature.length !== signatureBytes) throw malformed('signature')
  checkUnprotected(sign1)
  return { alg, kid, seq, timeMs }
}

function checkUnprotected(sign1: Sign1): void {
  const headers = sign1.unprotectedHeaders
  if (headers.size === 0) return
  const receipts = headers.get(headerLabel.receipts)
  const areReceipts = Array.isArray(receipts) && receipts.length > 0 && receipts.every((r) => r instanceof Uint8Array)
  if (headers.size !== 1 || !areReceipts) throw malformed('unprotected headers')
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

/** What is not an envelope of ours, and why. */
export function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', `not a NotaryMQ envelope: ${what}`)
}
