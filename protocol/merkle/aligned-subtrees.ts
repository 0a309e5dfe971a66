import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes, nodeHashInto } from './hash.ts'
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
  const subtrees: AlignedSubtree[] = []
  const count = leafHashes.length / hashBytes
  for (let done = 0; done < count; ) {
    let height = 0
    while (height < tileHeight && (firstIndex + done) % 2 ** (height + 1) === 0 && 2 ** (height + 1) <= count - done) {
      height++
    }
    const leaves = leafHashes.slice(done * hashBytes, (done + 2 ** height) * hashBytes)
    subtrees.push({ height, root: rootOf(leaves, crypto) })
    done += 2 ** height
  }
  return subtrees
}

/** @param hashes a power of two of them, overwritten */
function rootOf(hashes: Uint8Array, crypto: CryptoProvider): Uint8Array {
  for (let width = hashes.length; width > hashBytes; width /= 2) {
    for (let at = 0; at < width / 2; at += hashBytes) {
      nodeHashInto(hashes, at, hashes.subarray(2 * at, 2 * (at + hashBytes)), crypto)
    }
  }
  return hashes.slice(0, hashBytes)
}
