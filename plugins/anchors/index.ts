export { AnchorFile } from './anchor-file.ts'
export { type AnchorWriterOptions, openAnchors } from './anchor-writer.ts'
export { AnchoredPlaces } from './anchored-places.ts'
export { checkpointFile } from './checkpoint-file.ts'
export { guardChain, missingAnchor } from './guard-chain.ts'
export {
  type CheckpointSource,
  contradictionOf,
  endOf,
  type FoundLog,
  foundLogOf,
  type KeptNote,
  type KeptStanding,
  keptCheckpoints,
  standingToSource,
} from './kept-checkpoints.ts'
export { identityOf, type LogIdentity, logOf, openKept } from './log-identity.ts'
