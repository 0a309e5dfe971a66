export {
  type Anchor,
  CheckpointKeeper,
  type CheckpointKeeperOptions,
  type PublishedCheckpoint,
  readStoredCheckpoint,
} from './checkpoint-keeper.ts'
export { type Standing, standingTo } from './compare-checkpoint.ts'
