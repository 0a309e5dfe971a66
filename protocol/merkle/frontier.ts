import type { CryptoProvider } from '../crypto-provider.ts'
import { emptyRoot, nodeHash } from './hash.ts'

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
    let hash = leafHash
    for (let size = this.#size; size % 2 === 1; size = Math.floor(size / 2)) {
      hash = nodeHash(this.#subtrees.pop() as Uint8Array, hash, this.#crypto)
    }
    this.#subtrees.push(hash)
    this.#size++
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
