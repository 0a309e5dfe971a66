import { concatBytes } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes, nodeHash, nodeHashes, rootOfSubtrees } from './hash.ts'
import { tileHeight, tileWidth } from './tiles.ts'

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
    this.appendSubtree(0, leafHash)
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

  /**
   * Appends leaves: first all their parents are hashed, then the parents of these, up to the root of the largest subtree
   * that they complete. @returns what they add to the tiles of the tree
   */
  grow(leafHashes: readonly Uint8Array[]): TreeGrowth {
    const known = [...this.#subtrees]
    const added: Uint8Array[] = []
    const rowsOfTiles: Uint8Array[] = []
    let row: Uint8Array = new Uint8Array(leafHashes.length * hashBytes)
    for (const [i, leafHash] of leafHashes.entries()) row.set(leafHash, i * hashBytes)
    for (let [height, size] = [0, this.#size]; row.length > 0; height++, size = Math.floor(size / 2)) {
      if (height > 0 && height % tileHeight === 0) rowsOfTiles.push(row)
      // What waits at this height for a right neighbour is the smallest one that is left.
      if (size % 2 === 1) row = concatBytes(known.pop() as Uint8Array, row)
      const paired = row.length - (row.length % (2 * hashBytes))
      if (paired < row.length) added.unshift(row.slice(paired))
      row = nodeHashes(row.subarray(0, paired), this.#crypto)
    }
    const tileRoots = inOrderOfLeaves(rowsOfTiles, Math.floor(this.#size / tileWidth))
    this.#subtrees = [...known, ...added]
    this.#size += leafHashes.length
    return { leafHashes, tileRoots }
  }

  root(): Uint8Array {
    return rootOfSubtrees(this.#subtrees, this.#crypto)
  }

  /** An independent copy: what a block that may fail to commit is built on. */
  clone(): Frontier {
    return new Frontier(this.#crypto, this.#size, this.#subtrees)
  }
}

/**
 * @param rows by level: roots of tiles that were completed, side by side
 * @param index of the first of the lowest level
 */
function inOrderOfLeaves([lowest = noRoots, ...above]: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  const roots: Uint8Array[] = []
  const taken = above.map(() => 0)
  for (let at = 0; at < lowest.length; at += hashBytes) {
    roots.push(lowest.slice(at, at + hashBytes))
    let next = (index * hashBytes + at) / hashBytes + 1
    for (const [level, row] of above.entries()) {
      if (next % tileWidth !== 0) break
      next /= tileWidth
      const from = (taken[level] as number) * hashBytes
      roots.push(row.slice(from, from + hashBytes))
      taken[level] = (taken[level] as number) + 1
    }
  }
  return roots
}

const noRoots = new Uint8Array(0)

function popCount(value: number): number {
  let count = 0
  for (let rest = value; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}
