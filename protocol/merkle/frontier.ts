import type { CryptoProvider } from '../crypto-provider.ts'
import { emptyRoot, hashBytes, nodeHash } from './hash.ts'

/** What is hashed for an inner node (RFC 9162 section 2.1.1): 0x01, left, right. Hashing never waits. */
const node = new Uint8Array(1 + 2 * hashBytes)
node[0] = 1
const leftAt = 1
const rightAt = leftAt + hashBytes

/**
 * The right edge of a growing tree: the roots of its complete subtrees, largest first. All that is needed to append
 * leaves and to compute the root (RFC 9162 section 2.1.2); log2(size) hashes.
 */
export class Frontier {
  readonly #crypto: CryptoProvider
  #size: number
  #subtrees: Uint8Array[]

  /** @param subtrees as {@link subtrees} gave them for a tree of `size` leaves */
  constructor(crypto: CryptoProvider, size = 0, subtrees: readonly Uint8Array[] = []) {
    if (subtrees.length !== popCount(size)) throw new RangeError('frontier does not fit the tree size')
    this.#crypto = crypto
    this.#size = size
    this.#subtrees = [...subtrees]
  }

  get size(): number {
    return this.#size
  }

  get subtrees(): readonly Uint8Array[] {
    return this.#subtrees
  }

  append(leafHash: Uint8Array): void {
    if (this.#size % 2 === 0) this.#subtrees.push(leafHash)
    else this.#combine(leafHash)
    this.#size++
  }

  /** Combines a leaf with the complete subtrees to its left that it completes a larger one with, from small to large. */
  #combine(leafHash: Uint8Array): void {
    node.set(leafHash, rightAt)
    for (let size = this.#size; ; ) {
      node.set(this.#subtrees.pop() as Uint8Array, leftAt)
      size = Math.floor(size / 2)
      if (size % 2 === 0) break
      // What is in between is only hashed again: it needs no array of its own.
      this.#crypto.sha256Into(node, rightAt, node)
    }
    this.#subtrees.push(this.#crypto.sha256(node))
  }

  root(): Uint8Array {
    let root: Uint8Array | undefined
    for (let i = this.#subtrees.length - 1; i >= 0; i--) {
      const subtree = this.#subtrees[i] as Uint8Array
      root = root === undefined ? subtree : nodeHash(subtree, root, this.#crypto)
    }
    return root ?? emptyRoot(this.#crypto)
  }

  /** An independent copy: what a block that may fail to commit is built on. */
  clone(): Frontier {
    return new Frontier(this.#crypto, this.#size, this.#subtrees)
  }
}

function popCount(value: number): number {
  let count = 0
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}
