import type { CryptoProvider } from '../crypto-provider.ts'

const leafPrefix = Uint8Array.of(0)
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

/** Root of the empty tree: SHA-256 of nothing. */
export function emptyRoot(crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(nothing)
}
