import type { CryptoProvider } from '../crypto-provider.ts'

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)
const nothing = new Uint8Array(0)

/** Bytes of every hash of the tree. */
export const hashBytes = 32

/** What is hashed for an inner node. Hashing never waits, so one is enough. */
const node = new Uint8Array(nodePrefix.length + 2 * hashBytes)
node.set(nodePrefix)

/** RFC 9162 section 2.1.1: SHA-256(0x00 || leaf). */
export function leafHash(leaf: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(leafPrefix, leaf)
}

/** RFC 9162 section 2.1.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(nodePrefix, left, right)
}

/** {@link nodeHash} of two hashes that lie side by side, to `target[offset .. offset + 31]`. */
export function nodeHashInto(target: Uint8Array, offset: number, children: Uint8Array, crypto: CryptoProvider): void {
  node.set(children, nodePrefix.length)
  crypto.sha256Into(target, offset, node)
}

/** Root of the empty tree: SHA-256 of nothing. */
export function emptyRoot(crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(nothing)
}

/** Root over complete subtrees that follow one another, largest first; of none, that of the empty tree. */
export function rootOfSubtrees(subtrees: readonly Uint8Array[], crypto: CryptoProvider): Uint8Array {
  let root: Uint8Array | undefined
  for (let i = subtrees.length - 1; i >= 0; i--) {
    const subtree = subtrees[i] as Uint8Array
    root = root === undefined ? subtree : nodeHash(subtree, root, crypto)
  }
  return root ?? emptyRoot(crypto)
}
