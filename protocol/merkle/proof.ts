import { bytesEqual } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { hashBytes, nodeHash } from './hash.ts'

/** That a leaf is in a tree: RFC 9162 section 2.1.3. Sizes and indexes below 2^64. */
export interface InclusionProof {
  readonly leafIndex: bigint
  readonly treeSize: bigint
  readonly path: readonly Uint8Array[]
}

/** That one tree extends another: RFC 9162 section 2.1.4. */
export interface ConsistencyProof {
  readonly size1: bigint
  readonly size2: bigint
  readonly path: readonly Uint8Array[]
}

/**
 * Verifies an inclusion proof as RFC 9162 section 2.1.3.2 says.
 * @throws {ProtocolError} ERR_PROOF_INVALID
 */
export function verifyInclusion(
  proof: InclusionProof,
  leafHash: Uint8Array,
  rootHash: Uint8Array,
  crypto: CryptoProvider,
): void {
  checkHashes([rootHash])
  if (!bytesEqual(rootOfInclusion(proof, leafHash, crypto), rootHash)) throw invalid('leads to another root')
}

/**
 * The root that a leaf and its path lead to (RFC 9162 section 2.1.3.2, up to the comparison).
 * @throws {ProtocolError} ERR_PROOF_INVALID: no proof for a tree of this size
 */
export function rootOfInclusion(
  { leafIndex, treeSize, path }: InclusionProof,
  leafHash: Uint8Array,
  crypto: CryptoProvider,
): Uint8Array {
  if (leafIndex < 0n || leafIndex >= treeSize) throw invalid('index beyond the tree')
  checkHashes([leafHash, ...path])
  let node = leafIndex
  let last = treeSize - 1n
  let hash = leafHash
  for (const sibling of path) {
    if (last === 0n) throw invalid('path too long')
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash, crypto)
      while (!isOdd(node) && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      hash = nodeHash(hash, sibling, crypto)
    }
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw invalid('path too short')
  return hash
}

/**
 * Verifies a consistency proof as RFC 9162 section 2.1.4.2 says. An empty first tree proves nothing and is refused;
 * a witness endpoint that has to accept it does so itself.
 * @throws {ProtocolError} ERR_PROOF_INVALID
 */
export function verifyConsistency(
  proof: ConsistencyProof,
  root1: Uint8Array,
  root2: Uint8Array,
  crypto: CryptoProvider,
): void {
  const { size1, size2 } = proof
  if (size1 <= 0n || size1 > size2) throw invalid('sizes out of order or empty')
  checkHashes([root1, root2, ...proof.path])
  if (size1 === size2) {
    if (proof.path.length !== 0 || !bytesEqual(root1, root2)) throw invalid('same size, other root')
    return
  }
  const led = rootsOfConsistency(proof, root1, crypto)
  if (!bytesEqual(led.root1, root1) || !bytesEqual(led.root2, root2)) throw invalid('leads to another root')
}

/**
 * The roots that a path leads to (RFC 9162 section 2.1.4.2, up to the comparison). A tree with the second one begins with
 * a tree that has the first one, whichever was signed for that size.
 * @param proof of two sizes that differ
 * @param root1 in no path when the size of its tree is a power of two: then it is the first of the two that come back
 * @throws {ProtocolError} ERR_PROOF_INVALID: no proof for trees of these sizes
 */
export function rootsOfConsistency(
  { size1, size2, path: given }: ConsistencyProof,
  root1: Uint8Array,
  crypto: CryptoProvider,
): { readonly root1: Uint8Array; readonly root2: Uint8Array } {
  if (size1 <= 0n || size1 >= size2) throw invalid('sizes out of order, equal or empty')
  checkHashes([root1, ...given])
  if (given.length === 0) throw invalid('path too short')
  // A first tree that is a complete subtree of the second is its own first node.
  const isPowerOfTwo = (size1 & (size1 - 1n)) === 0n
  const path = isPowerOfTwo ? [root1, ...given] : given
  let node = size1 - 1n
  let last = size2 - 1n
  while (isOdd(node)) {
    node >>= 1n
    last >>= 1n
  }
  let hash1 = path[0] as Uint8Array
  let hash2 = hash1
  for (const sibling of path.slice(1)) {
    if (last === 0n) throw invalid('path too long')
    if (isOdd(node) || node === last) {
      hash1 = nodeHash(sibling, hash1, crypto)
      hash2 = nodeHash(sibling, hash2, crypto)
      while (!isOdd(node) && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      hash2 = nodeHash(hash2, sibling, crypto)
    }
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw invalid('path too short')
  return { root1: hash1, root2: hash2 }
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n
}

function checkHashes(hashes: readonly Uint8Array[]): void {
  for (const hash of hashes) if (hash.length !== hashBytes) throw invalid('a hash has 32 bytes')
}

function invalid(why: string): ProtocolError {
  return new ProtocolError('ERR_PROOF_INVALID', `Merkle proof: ${why}`)
}
