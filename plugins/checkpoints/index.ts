export { type Anchor, CheckpointKeeper, type CheckpointKeeperOptions } from './checkpoint-keeper.ts'
export type { PublishedCheckpoint } from './checkpoint-signer.ts'
export { type Standing, standingTo } from './compare-checkpoint.ts'
export { storedCheckpoint } from './stored-checkpoint.ts'
