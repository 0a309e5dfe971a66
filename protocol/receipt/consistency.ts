import type { CryptoProvider } from '../crypto-provider.ts'
import { type ConsistencyProof, verifyConsistency } from '../merkle/index.ts'
import type { TreeHead } from '../notes/checkpoint.ts'
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

/** A receipt of consistency as it was read: nothing of it is verified. */
export interface ConsistencyReceipt extends Omit<ReceiptForm, 'proof'> {
  readonly proof: ConsistencyProof
}

/**
 * A COSE receipt (RFC 9942) that the tree whose root was signed extends an older one.
 * @param proof from a smaller tree: the format has no empty path, so nothing for two trees of one size
 * @throws {RangeError} for the proof of another tree, or without a path
 */
export function consistencyReceipt(root: SignedRoot, proof: Omit<ConsistencyProof, 'size2'>): Uint8Array {
  if (proof.path.length === 0 || proof.size1 >= root.treeSize) {
    throw new RangeError('a receipt has a smaller tree and at least one hash')
  }
  const encoded = encodeProof(proof.size1, root.treeSize, proof.path)
  return encodeReceipt(root, proofLabel.consistency, encoded)
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED */
export function parseConsistencyReceipt(receipt: Uint8Array): ConsistencyReceipt {
  const form = parseReceipt(receipt, proofLabel.consistency)
  const [size1, size2, path] = decodeProof(form.proof)
  if (size2 !== form.treeSize) throw malformed('a proof for another tree than the signed one')
  if (path.length === 0) throw malformed('a path without hashes')
  return { ...form, proof: { size1, size2, path } }
}

/**
 * Whether a receipt proves that the tree of one checkpoint extends that of an older one. Both heads come from
 * checkpoints, never from whoever sent the receipt.
 */
export function isConsistencyReceiptValid(
  receipt: Uint8Array,
  older: TreeHead,
  newer: TreeHead,
  trust: ReceiptTrust,
  crypto: CryptoProvider,
): Promise<boolean> {
  return isProved(async () => {
    const form = parseConsistencyReceipt(receipt)
    const { size1, size2 } = form.proof
    if (size1 !== older.treeSize || size2 !== newer.treeSize) throw malformed('for other trees')
    await verifyReceiptSignature(form, newer.rootHash, trust, crypto)
    verifyConsistency(form.proof, older.rootHash, newer.rootHash, crypto)
  })
}
