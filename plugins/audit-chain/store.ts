import type { AbstractBatchOperation } from 'abstract-level'
import type { StoreDatabase } from './level-store.ts'

/** A stored block: its key, which is the index of its first record, and its bytes. */
export interface StoredBlock {
  readonly firstIndex: number
  readonly encoded: Uint8Array
}

/** Something else that is written in the same batch as a block: it is on disk exactly when the block is. */
export type StoreOperation = AbstractBatchOperation<StoreDatabase, Uint8Array, Uint8Array>

/** What the sequencer needs of a disk. One writer; `append` and `write` are durable when they resolve. */
export interface AuditStore {
  /** The state written with the newest block; undefined when the store is new. */
  readState(): Promise<Uint8Array | undefined>
  /** Writes one block, the state after it and what belongs to it in one batch, fsynced. A rejection has an unknown outcome. */
  append(block: StoredBlock, state: Uint8Array, also: readonly StoreOperation[]): Promise<void>
  /** Writes what needs no record in one batch, fsynced. A rejection has an unknown outcome; writing it again does no harm. */
  write(operations: readonly StoreOperation[]): Promise<void>
  /** Gives up the handle that a write failed on and opens the store again; only then can be seen what is there. */
  reopen(): Promise<void>
  /** The block that holds `index`, or would: the last one that begins at or before it. */
  blockAt(index: number): Promise<StoredBlock | undefined>
  /** The block that holds `index` and some after it: as many as make about `bytes`, and no more than `count`. */
  blocksAt(index: number, count: number, bytes: number): Promise<readonly StoredBlock[]>
  /** The same downwards: the block that holds `index` and some before it, newest first. */
  blocksUpTo(index: number, count: number, bytes: number): Promise<readonly StoredBlock[]>
  /** Blocks in order, from the one that holds `fromIndex`, as they were when the walk began. */
  blocks(fromIndex?: number): AsyncIterable<StoredBlock>
}
