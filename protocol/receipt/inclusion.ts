import type { CryptoProvider } from '../crypto-provider.ts'
import { type InclusionProof, rootOfInclusion } from '../merkle/proof.ts'
import {
  decodeProof,
  encodeProof,
  encodeReceipt,
  isProved,
  malformed,
  parseReceipt,
  proofLabel,
  type ReceiptForm,
  type ReceiptTrust,
  type SignedRoot,
  verifyReceiptSignature,
} from './receipt-form.ts'

/** A receipt of inclusion as it was read: nothing of it is verified. */
export interface InclusionReceipt extends Omit<ReceiptForm, 'proof'> {
  readonly proof: InclusionProof
}

/**
 * A COSE receipt (RFC 9942) that a leaf is in the tree whose root was signed.
 * @param proof for that tree, of a size above 1: the format has no empty path
 * @throws {RangeError} for the proof of another tree, or without a path
 */
export function inclusionReceipt(root: SignedRoot, proof: Omit<InclusionProof, 'treeSize'>): Uint8Array {
  if (proof.path.length === 0 || proof.leafIndex >= root.treeSize) {
    throw new RangeError('a receipt has a leaf of its tree and at least one hash')
  }
  const encoded = encodeProof(root.treeSize, proof.leafIndex, proof.path)
  return encodeReceipt(root, proofLabel.inclusion, encoded)
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED */
export function parseInclusionReceipt(receipt: Uint8Array): InclusionReceipt {
  const form = parseReceipt(receipt, proofLabel.inclusion)
  const [treeSize, leafIndex, path] = decodeProof(form.proof)
  if (treeSize !== form.treeSize || leafIndex >= treeSize)
    throw malformed('a proof for another tree than the signed one')
  if (path.length === 0 && treeSize !== 1n) throw malformed('a path without hashes')
  return { ...form, proof: { treeSize, leafIndex, path } }
}

/**
 * Whether a receipt proves that this leaf is in the log, at the index and in the tree of the size that it names: leaf
 * and path give a root, and the broker signed that root.
 * @param leafHash 32 bytes, of a leaf that the caller made itself from what it wants to see proved
 */
export function isInclusionReceiptValid(
  receipt: Uint8Array,
  leafHash: Uint8Array,
  trust: ReceiptTrust,
  crypto: CryptoProvider,
): Promise<boolean> {
  return isProved(async () => {
    const form = parseInclusionReceipt(receipt)
    await verifyReceiptSignature(form, rootOfInclusion(form.proof, leafHash, crypto), trust, crypto)
  })
}
