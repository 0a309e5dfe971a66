import { verifyPublisherSignature } from '../block/verify-publisher.ts'
import { bytesEqual } from '../bytes.ts'
import { encodeCbor } from '../cbor/index.ts'
import { encodeSign1, headerLabel, type P256PublicKey, parseSign1, type Sign1 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { leafHash } from '../merkle/index.ts'
import { commitmentOf, decodeRecord, encodeLeaf, isSignedPublish, saltBytes } from '../record/index.ts'
import { isInclusionReceiptValid } from './inclusion.ts'
import { isProved, malformed, type ReceiptTrust } from './receipt-form.ts'

/** Most receipts of one statement that are looked at. */
const maxReceipts = 16

/** A transparent statement (RFC 9943) taken apart. */
export interface TakenStatement {
  /** The COSE_Sign1 as it was before any receipt was attached. */
  readonly statement: Uint8Array
  readonly receipts: readonly Uint8Array[]
}

/** What a publish was entered in the log as, as far as it takes to find its leaf again. */
export interface LoggedPublish {
  /** Encoded record. */
  readonly record: Uint8Array
  /** 16 bytes. */
  readonly salt: Uint8Array
  /** The application payload where the statement is detached. */
  readonly payload?: Uint8Array
}

/**
 * Attaches receipts to a signed statement, behind those that it has: unprotected `394: [receipt, ...]`. No signature
 * covers them, so the statement's own stays valid.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED for a statement with other unprotected headers
 */
export function attachReceipts(statement: Uint8Array, receipts: readonly Uint8Array[]): Uint8Array {
  const sign1 = parseSign1(statement)
  const all = [...receiptsOf(sign1), ...receipts]
  if (all.length === 0 || all.length > maxReceipts) throw new RangeError(`a statement has 1 to ${maxReceipts} receipts`)
  const unprotectedBytes = encodeCbor(new Map([[headerLabel.receipts, all]]))
  return encodeSign1({ ...sign1, unprotectedBytes }, sign1.payload)
}

/**
 * Takes the receipts from a statement.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function takeReceipts(transparentStatement: Uint8Array): TakenStatement {
  const sign1 = parseSign1(transparentStatement)
  const statement = encodeSign1({ ...sign1, unprotectedBytes: encodeCbor(new Map()) }, sign1.payload)
  return { statement, receipts: receiptsOf(sign1) }
}

function receiptsOf({ unprotectedHeaders }: Sign1): readonly Uint8Array[] {
  if (unprotectedHeaders.size === 0) return []
  const receipts = unprotectedHeaders.get(headerLabel.receipts)
  // A list, as the CDDL has it; some published examples print a map.
  if (unprotectedHeaders.size !== 1 || !Array.isArray(receipts) || receipts.length === 0) throw malformed('label 394')
  if (receipts.length > maxReceipts || !receipts.every((receipt) => receipt instanceof Uint8Array)) {
    throw malformed('label 394')
  }
  return receipts
}

/**
 * Whether a transparent statement proves, to somebody who trusts neither its bearer nor the broker: this key signed this
 * topic and payload, and the log holds the publish. Signature, record and leaf must agree, and one receipt at least must
 * be of the log; those of others are passed over.
 * @param publisherKey by which the publish should be signed
 */
export function isTransparentPublishValid(
  transparentStatement: Uint8Array,
  { record: encodedRecord, salt, payload }: LoggedPublish,
  publisherKey: P256PublicKey,
  trust: ReceiptTrust,
  crypto: CryptoProvider,
): Promise<boolean> {
  return isProved(async () => {
    const sign1 = parseSign1(transparentStatement)
    const receipts = receiptsOf(sign1)
    const record = decodeRecord(encodedRecord)
    if (record.kind !== 'publish' || !isSignedPublish(record)) throw malformed('the record is not of a signed publish')
    checkSameEnvelope(sign1, record.envelope)
    await verifyPublisherSignature(record, sign1.payload ?? payload, publisherKey, crypto)
    if (salt.length !== saltBytes) throw malformed('salt')
    const leaf = encodeLeaf({ timeMs: record.timeMs, commitment: commitmentOf(salt, encodedRecord, crypto) })
    const hash = leafHash(leaf, crypto)
    for (const receipt of receipts) if (await isInclusionReceiptValid(receipt, hash, trust, crypto)) return
    throw malformed('none of the log')
  })
}

/** The record keeps the envelope without its payload; receipts may have been attached since. */
function checkSameEnvelope(statement: Sign1, envelope: Uint8Array | undefined): void {
  if (envelope === undefined) throw malformed('the record has no envelope')
  const recorded = parseSign1(envelope)
  const isSame =
    bytesEqual(recorded.protectedBytes, statement.protectedBytes) && bytesEqual(recorded.signature, statement.signature)
  if (!isSame) throw malformed('the record is of another publish')
}
