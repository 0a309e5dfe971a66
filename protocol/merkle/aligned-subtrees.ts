import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes, nodeHashes } from './hash.ts'
import { tileHeight } from './tiles.ts'

/** A complete subtree over `2^height` leaves, where the tree has one. */
export interface AlignedSubtree {
  readonly height: number
  readonly root: Uint8Array
}

/**
 * The largest complete subtrees, none higher than a tile, that leaves make up from their first index on: what can be
 * hashed of a part of the tree without knowing the rest.
 * @param leafHashes side by side, at least one
 */
export function alignedSubtrees(firstIndex: number, leafHashes: Uint8Array, crypto: CryptoProvider): AlignedSubtree[] {
  const rising: AlignedSubtree[] = []
  const falling: AlignedSubtree[] = []
  let row = leafHashes
  for (let [height, index] = [0, firstIndex]; row.length > 0; height++, index = Math.ceil(index / 2)) {
    const isHighest = height === tileHeight
    const start = isHighest ? row.length : (index % 2) * hashBytes
    const end = isHighest ? row.length : row.length - ((row.length - start) % (2 * hashBytes))
    for (let at = 0; at < start; at += hashBytes) rising.push({ height, root: row.slice(at, at + hashBytes) })
    if (end < row.length) falling.unshift({ height, root: row.slice(end) })
    row = nodeHashes(row.subarray(start, end), crypto)
  }
  return [...rising, ...falling]
}
