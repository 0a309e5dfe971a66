import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { type SignedRoot, signRoot } from '../../protocol/index.ts'
import { keyMeriadoc, publicOf } from './keys.ts'
import { naiveRoot } from './naive-tree.ts'

/** Origin of the log that the receipts of the tests are of. */
export const receiptIssuer = 'notarymq/test'
export const receiptTime = 1_767_225_600

/** Who is trusted for them. */
export const receiptTrust = { brokerKey: publicOf(keyMeriadoc), issuer: receiptIssuer }

/** The root over these leaves, signed by the broker of the tests. */
export function signedRootOf(leafHashes: readonly Uint8Array[]): SignedRoot {
  const tree = { issuer: receiptIssuer, treeSize: BigInt(leafHashes.length), rootHash: naiveRoot(leafHashes) }
  return signRoot(keyMeriadoc, tree, receiptTime, nativeCrypto)
}
