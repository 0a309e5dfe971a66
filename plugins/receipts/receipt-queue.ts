import type { DroppedReceipts } from '../../protocol/index.ts'

/** Publishes of one connection that wait for their receipts. */
const maxWaiting = 10_000

/** What one connection is owed: the indexes of its publishes that no receipt was sent for. */
export class ReceiptQueue {
  readonly #onAccepted: (index: number) => void
  #indexes: number[] = []
  #dropped: DroppedReceipts | undefined

  constructor(onAccepted: (index: number) => void) {
    this.#onAccepted = onAccepted
  }

  /** A publish of the connection is in the chain, there. */
  accepted(index: number): void {
    if (this.#indexes.length >= maxWaiting) this.drop([index])
    else this.#indexes.push(index)
    this.#onAccepted(index)
  }

  /** Takes out what a tree of this size covers, in the order in which it was accepted. */
  takeCovered(treeSize: number): readonly number[] {
    const all = this.#indexes
    this.#indexes = all.filter((index) => index >= treeSize)
    return this.#indexes.length === 0 ? all : all.filter((index) => index < treeSize)
  }

  /** Puts back what was taken and could not be sent. */
  putBack(indexes: readonly number[]): void {
    this.#indexes = [...indexes, ...this.#indexes]
    this.drop(this.#indexes.splice(maxWaiting))
  }

  /** No receipts are pushed for these. */
  drop(indexes: readonly number[]): void {
    for (const index of indexes) {
      const { dropped = 0, fromIndex = index, toIndex = index } = this.#dropped ?? {}
      this.#dropped = {
        dropped: dropped + 1,
        fromIndex: Math.min(fromIndex, index),
        toIndex: Math.max(toIndex, index),
      }
    }
  }

  /** What was dropped since it was last asked; undefined: nothing. */
  takeDropped(): DroppedReceipts | undefined {
    const dropped = this.#dropped
    this.#dropped = undefined
    return dropped
  }
}
