import type { ChainRecord } from '../../protocol/index.ts'
import type { StoreOperation } from './store.ts'

/** What a submission wants written. */
export interface Decision {
  /** Enters the chain at the index that was offered; absent when something is to be written without a record. */
  readonly record?: ChainRecord | undefined
  /** The payload that the record covers. */
  readonly body?: Uint8Array | undefined
  /** Written in the same batch. */
  readonly also?: readonly StoreOperation[] | undefined
}

/** Something that waits for its place in the order. Both methods are called exactly once, unless the chain fails. */
export interface Submission {
  /** Bytes that this one holds in memory while it waits. */
  readonly bytes: number
  /**
   * Called when the index is known, synchronously, in the order of submission: the last look at keys, policy and
   * duplicates. Must not throw.
   * @param index that the record gets when one is returned
   * @param timeMs time of the commit
   * @returns what to write, or undefined for nothing: a refusal or a duplicate that only keeps its place in the order
   */
  decide(index: number, timeMs: number): Decision | undefined
  /** Called in the same order once everything decided up to here is durable. Must not throw. */
  settle(): void
}

/** Takes part in every group commit: what it collected meanwhile goes into the same batch. Must not throw. */
export interface CommitParticipant {
  /** Called when everything in the group has decided, before it is written. */
  operations(): readonly StoreOperation[]
  /** Called when everything in the group was settled. */
  settled(): void
}

/** Something that only keeps its place: `settle` runs when everything submitted before it was settled. */
export function afterEarlier(settle: () => void): Submission {
  return { bytes: 64, decide: () => undefined, settle }
}
