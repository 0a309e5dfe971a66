import type { AuditChain, Pins } from '../../plugins/index.ts'

/** Keeps records that are still to be delivered from being erased. */
export class RecordPins {
  readonly #chain: Pick<AuditChain, 'record'>
  readonly #references: () => Iterable<number>
  /** Index of a record -> how many wait for it. */
  readonly #held = new Map<number, number>()

  /** @param references indexes that queues and retained messages refer to, as it is now */
  constructor(chain: Pick<AuditChain, 'record'>, references: () => Iterable<number>) {
    this.#chain = chain
    this.#references = references
  }

  /** No queue has the message at the moment, and one will: its record must stay. @returns to be called when one has it */
  hold(index: number): () => void {
    this.#held.set(index, (this.#held.get(index) ?? 0) + 1)
    return () => {
      const left = (this.#held.get(index) ?? 1) - 1
      if (left === 0) this.#held.delete(index)
      else this.#held.set(index, left)
    }
  }

  /**
   * Records that must stay. Looked at twice: what a commit has queued gets into its queue only when the commit is durable,
   * which is so the second time for all that was queued the first time; what was a retained message then was so the first
   * time.
   * @throws {PluginError} ERR_CHAIN_CLOSED, ERR_STORE_FAILED
   */
  async read(): Promise<Pins> {
    const indexes = new Set<number>()
    let below = 0
    await this.#chain.record((index) => {
      below = index
      this.#addTo(indexes)
      return undefined
    })
    this.#addTo(indexes)
    return { indexes, below }
  }

  #addTo(indexes: Set<number>): void {
    for (const index of this.#references()) indexes.add(index)
    for (const index of this.#held.keys()) indexes.add(index)
  }
}
