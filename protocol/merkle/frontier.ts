import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes, nodeHash, rootOfSubtrees } from './hash.ts'
import { tileHeight } from './tiles.ts'

/** What is hashed for an inner node (RFC 9162 section 2.1.1): 0x01, left, right. Hashing never waits. */
const node = new Uint8Array(1 + 2 * hashBytes)
node[0] = 1
const leftAt = 1
const rightAt = leftAt + hashBytes

/** What leaves added to a tree: what its tiles are made of. */
export interface TreeGrowth {
  readonly leafHashes: readonly Uint8Array[]
  /** Roots of the tiles that the leaves completed, in that order; of one leaf the lowest level first. */
  readonly tileRoots: readonly Uint8Array[]
}

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
    this.#append(leafHash, undefined)
  }

  /**
   * Appends a complete subtree that was computed elsewhere. The size must be a multiple of its leaves, `2^height`, and
   * the height at most that of a tile.
   * @returns roots of the tiles that it completed, lowest level first
   */
  appendSubtree(height: number, root: Uint8Array): readonly Uint8Array[] {
    const leaves = 2 ** height
    if (height > tileHeight || this.#size % leaves !== 0) throw new RangeError('the subtree does not belong here')
    const tileRoots: Uint8Array[] = []
    let combined = root
    let combinedHeight = height
    if (height === tileHeight) tileRoots.push(root)
    for (let trees = this.#size / leaves; trees % 2 === 1; trees = (trees - 1) / 2) {
      combined = nodeHash(this.#subtrees.pop() as Uint8Array, combined, this.#crypto)
      combinedHeight++
      if (combinedHeight % tileHeight === 0) tileRoots.push(combined)
    }
    this.#subtrees.push(combined)
    this.#size += leaves
    return tileRoots
  }

  /** Appends leaves. @returns what they add to the tiles of the tree */
  grow(leafHashes: readonly Uint8Array[]): TreeGrowth {
    const tileRoots: Uint8Array[] = []
    for (const leafHash of leafHashes) this.#append(leafHash, tileRoots)
    return { leafHashes, tileRoots }
  }

  #append(leafHash: Uint8Array, tileRoots: Uint8Array[] | undefined): void {
    if (this.#size % 2 === 0) this.#subtrees.push(leafHash)
    else this.#combine(leafHash, tileRoots)
    this.#size++
  }

  /** Combines a leaf with the subtrees to its left that it completes a larger one with, from small to large. */
  #combine(leafHash: Uint8Array, tileRoots: Uint8Array[] | undefined): void {
    node.set(leafHash, rightAt)
    let height = 1
    for (let size = this.#size; ; height++) {
      node.set(this.#subtrees.pop() as Uint8Array, leftAt)
      size = Math.floor(size / 2)
      if (size % 2 === 0) break
      // What is in between is only hashed again: it needs no array of its own.
      this.#crypto.sha256Into(node, rightAt, node)
      if (height % tileHeight === 0) tileRoots?.push(node.slice(rightAt))
    }
    const subtree = this.#crypto.sha256(node)
    if (height % tileHeight === 0) tileRoots?.push(subtree)
    this.#subtrees.push(subtree)
  }

  root(): Uint8Array {
    return rootOfSubtrees(this.#subtrees, this.#crypto)
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
