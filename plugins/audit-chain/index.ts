export { AuditChain } from './audit-chain.ts'
export type { AuditChainOptions, FoundChain } from './audit-chain-options.ts'
export { type BlockSource, blocksBetween, type IndexRange, partsBetween } from './blocks-between.ts'
export { changeKeyPassphrase, ed25519Of, type KeyCustody, type KeyRole } from './broker-keys.ts'
export { damaged, whatToDo } from './chain-errors.ts'
export { ConfigRecorder } from './config-recorder.ts'
export { bytesOfFiles, freeBytesAt } from './disk-room.ts'
export { renameDurably, replaceFileDurably, syncDirectory } from './durable-file.ts'
export { ErasureMarks } from './erasure-marks.ts'
export type { EnrolmentOptions } from './key-changes.ts'
export {
  blocksSublevel,
  compactKeys,
  decodeIndex,
  encodeIndex,
  LevelAuditStore,
  openStoreDatabase,
  readAt,
  type StoreDatabase,
  type StoreSnapshot,
  storeSublevel,
} from './level-store.ts'
export { nextLogMarkOf, nextLogOf } from './open-chain.ts'
export { openStoredTree } from './open-stored-tree.ts'
export { readKeyPassphrase, readPrivateKeyFile, writePrivateKeyFile } from './private-key-file.ts'
export { publicKeyFiles } from './published-keys.ts'
export { isInBlock, readBlock, readEntry } from './read-block.ts'
export { type RestoredChain, restoreChain } from './replay.ts'
export { type KeyRotation, rotateKey } from './rotate-key.ts'
export type { ObservedReuse, SeqReuseAlarm } from './seq-reuse-reporter.ts'
export { Sequencer, type SequencerOptions } from './sequencer.ts'
export { SnapshotStore } from './snapshots.ts'
export type { AuditStore, StoredBlock, StoreOperation } from './store.ts'
export { afterEarlier, type CommitParticipant, type Decision, type Submission } from './submission.ts'
export type { TileReader } from './tile-reader.ts'
export { readTiles } from './tile-restore.ts'
export { TileTable, tileName } from './tile-table.ts'
export { TileWriter } from './tile-writer.ts'
