import {
  bytesEqual,
  type CryptoProvider,
  frontierFromTiles,
  type TileSource,
  type TreeHead,
} from '../../protocol/index.ts'

/**
 * How a chain stands to a checkpoint of it that was kept:
 * - `identical`: it is the tree of the checkpoint;
 * - `extended`: it begins with that tree;
 * - `rolled-back`: it ends before the checkpoint, so records that were there are missing;
 * - `forked`: as many leaves as the checkpoint has lead to another root.
 */
export type Standing = 'identical' | 'extended' | 'rolled-back' | 'forked'

/**
 * Compares a chain with a checkpoint of it.
 * @param treeSize leaves of the chain
 * @param tiles of the chain, which the caller held against its newest block
 * @throws {PluginError} ERR_CHAIN_DAMAGED: a tile is missing or altered
 */
export async function standingTo(
  kept: TreeHead,
  treeSize: number,
  tiles: TileSource,
  crypto: CryptoProvider,
): Promise<Standing> {
  if (kept.treeSize > BigInt(treeSize)) return 'rolled-back'
  const keptSize = Number(kept.treeSize)
  const frontier = await frontierFromTiles(keptSize, tiles, crypto)
  if (!bytesEqual(frontier.root(), kept.rootHash)) return 'forked'
  return keptSize === treeSize ? 'identical' : 'extended'
}
