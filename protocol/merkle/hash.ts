import type { CryptoProvider } from '../crypto-provider.ts'

/** What comes before a leaf when it is hashed. */
export const leafPrefix: Uint8Array = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)
const nothing = new Uint8Array(0)

/** Bytes of every hash of the tree. */
export const hashBytes = 32

/** RFC 9162 section 2.1.1: SHA-256(0x00 || leaf). */
export function leafHash(leaf: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(leafPrefix, leaf)
}

/** RFC 9162 section 2.1.1: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(nodePrefix, left, right)
}

/** {@link nodeHash} of each two of hashes that lie side by side; side by side as well. */
export function nodeHashes(children: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return prefixedHashes(1, children, 2 * hashBytes, crypto)
}

/** {@link leafHash} of each of leaves that lie side by side; side by side as well. @param bytes of each leaf */
export function leafHashes(leaves: Uint8Array, bytes: number, crypto: CryptoProvider): Uint8Array {
  return prefixedHashes(0, leaves, bytes, crypto)
}

/** @param size of each of the parts of `data` that the prefix comes before */
function prefixedHashes(prefix: number, data: Uint8Array, size: number, crypto: CryptoProvider): Uint8Array {
  const count = data.length / size
  const messages = new Uint8Array(count * (1 + size))
  const starts = new Uint32Array(count)
  let to = 0
  for (let i = 0, from = 0; i < count; i++) {
    starts[i] = to
    messages[to++] = prefix
    for (const end = from + size; from < end; ) messages[to++] = data[from++] as number
  }
  return crypto.sha256Each(messages, starts, new Uint32Array(count).fill(1 + size))
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
