import type { Frontier } from '../../protocol/index.ts'

/** A tree that the log signed. */
export interface SignedTree {
  /** Its checkpoint. */
  readonly note: string
  readonly size: number
  readonly rootHash: Uint8Array
}

/** What is kept of a log between two looks. */
export interface WatchedTree extends SignedTree {
  /** Of the leaves that were read; absent: proofs were demanded instead. */
  readonly frontier?: Frontier
}

/** How a watcher convinces itself that a tree extends the one before. */
export interface GrowthCheck {
  /**
   * @param known what was seen before; undefined at the first look
   * @param newer larger than that
   * @returns the newer tree as it is to be kept
   * @throws {WatchAlarm} @throws {ClientError} ERR_LOG_UNREACHABLE
   */
  follow(known: WatchedTree | undefined, newer: SignedTree): Promise<WatchedTree>
}

/** By what the newest tree was checked: its leaves, which lead to its root, or proofs that it extends those before. */
export type CheckedBy = 'leaves' | 'proofs'

export function checkedBy({ frontier }: WatchedTree): CheckedBy {
  return frontier === undefined ? 'proofs' : 'leaves'
}
