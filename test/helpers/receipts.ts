import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { leafHash, type SignedRoot, signRoot } from '../../protocol/index.ts'
import { keyMeriadoc, publicOf } from './keys.ts'
import { naiveRoot } from './naive-tree.ts'

/** Origin of the log that the receipts of the tests are of. */
export const receiptIssuer = 'notarymq/test'
export const receiptTime = 1_767_225_600

/** Who is trusted for them. */
export const receiptTrust = { brokerKey: publicOf(keyMeriadoc), issuer: receiptIssuer }

/** Hashes of leaves of one byte each: 0, 1, 2 ... */
export function numberedLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => leafHash(Uint8Array.of(i), nativeCrypto))
}

/** The root over these leaves, signed by the broker of the tests. */
export function signedRootOf(leafHashes: readonly Uint8Array[]): SignedRoot {
  const tree = { issuer: receiptIssuer, treeSize: BigInt(leafHashes.length), rootHash: naiveRoot(leafHashes) }
  return signRoot(keyMeriadoc, tree, receiptTime, nativeCrypto)
}

/** A copy with one bit flipped. */
export function withBitFlipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}
