export { type AlignedSubtree, alignedSubtrees } from './aligned-subtrees.ts'
export { Frontier, type TreeGrowth } from './frontier.ts'
export { emptyRoot, hashBytes, leafHash, leafHashes, leafPrefix, nodeHash } from './hash.ts'
export { HashTile } from './hash-tile.ts'
export {
  type ConsistencyProof,
  type InclusionProof,
  rootsOfConsistency,
  verifyConsistency,
  verifyInclusion,
} from './proof.ts'
export { consistencyProof, frontierFromTiles, inclusionProof, type TileSource } from './tile-proofs.ts'
export {
  entriesPath,
  hashesAtLevel,
  type Tile,
  type TileId,
  tileIn,
  tileNumber,
  tilePath,
  tilesOf,
  tileWidth,
} from './tiles.ts'
