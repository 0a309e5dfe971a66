export {
  type Anchor,
  CheckpointKeeper,
  type CheckpointKeeperOptions,
  type PublishedCheckpoint,
} from './checkpoint-keeper.ts'
export { type Standing, standingTo } from './compare-checkpoint.ts'
export { storedCheckpoint } from './stored-checkpoint.ts'
