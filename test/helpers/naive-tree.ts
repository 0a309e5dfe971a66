import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { concatBytes, utf8 } from '../../protocol/bytes.ts'
import {
  emptyRoot,
  HashTile,
  leafHash,
  nobleCrypto,
  nodeHash,
  type Tile,
  type TileSource,
  tilePath,
} from '../../protocol/index.ts'

/** Hashes of so many different leaves. */
export function numberedLeafHashes(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => leafHash(utf8(`leaf ${i}`), nativeCrypto))
}

/**
 * RFC 9162 section 2.1 written down as it stands there; only that what was hashed once is remembered, so that trees may
 * be large.
 */
export class NaiveTree {
  readonly leafHashes: readonly Uint8Array[]
  readonly #roots = new Map<string, Uint8Array>()

  constructor(leafHashes: readonly Uint8Array[]) {
    this.leafHashes = leafHashes
  }

  /** MTH(D[start:end]). */
  root(start: number, end: number): Uint8Array {
    if (start === end) return emptyRoot(nobleCrypto)
    if (end - start === 1) return this.leafHashes[start] as Uint8Array
    const name = `${start}-${end}`
    let root = this.#roots.get(name)
    if (root === undefined) {
      const middle = start + split(end - start)
      root = nodeHash(this.root(start, middle), this.root(middle, end), nobleCrypto)
      this.#roots.set(name, root)
    }
    return root
  }

  /** PATH(m, D[start:end]), section 2.1.3.1. */
  inclusion(m: number, end: number, start = 0): Uint8Array[] {
    if (end - start === 1) return []
    const middle = start + split(end - start)
    if (m < middle) return [...this.inclusion(m, middle, start), this.root(middle, end)]
    return [...this.inclusion(m, end, middle), this.root(start, middle)]
  }

  /** SUBPROOF(m, D[start:end], isOldTree), section 2.1.4.1. */
  consistency(m: number, end: number, start = 0, isOldTree = true): Uint8Array[] {
    if (m === end) return isOldTree ? [] : [this.root(start, end)]
    const middle = start + split(end - start)
    if (m <= middle) return [...this.consistency(m, middle, start, isOldTree), this.root(middle, end)]
    return [...this.consistency(m, end, middle, false), this.root(start, middle)]
  }

  /** The hashes of a tile, side by side, as C2SP tlog-tiles defines them. */
  tile({ level, index, width }: Tile): Uint8Array {
    const leaves = 256 ** level
    const first = index * 256
    return concatBytes(
      ...Array.from({ length: width }, (_, i) => this.root((first + i) * leaves, (first + i + 1) * leaves)),
    )
  }

  /** Reads tiles out of the tree, and notes which. */
  source(read: string[] = []): TileSource {
    return (tile) => {
      read.push(tilePath(tile))
      return Promise.resolve(new HashTile(this.tile(tile), nativeCrypto))
    }
  }
}

/** MTH(D[n]) over leaf hashes. */
export function naiveRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  return new NaiveTree(leafHashes).root(0, leafHashes.length)
}

/** PATH(m, D[n]), section 2.1.3.1. */
export function naiveInclusion(m: number, leafHashes: readonly Uint8Array[]): Uint8Array[] {
  return new NaiveTree(leafHashes).inclusion(m, leafHashes.length)
}

/** PROOF(m, D[n]), section 2.1.4.1. */
export function naiveConsistency(m: number, leafHashes: readonly Uint8Array[]): Uint8Array[] {
  return new NaiveTree(leafHashes).consistency(m, leafHashes.length)
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
