import { type AuditStore, LevelAuditStore, type StoreDatabase, type StoreOperation } from '../../plugins/index.ts'

// A write error has an unknown outcome. Both are tried: the bytes are not there, and the bytes are there.
export const outcomes = ['not stored', 'stored but reported failed'] as const
export type FaultOutcome = (typeof outcomes)[number]

export const diskFailure = new Error('I/O error')

export interface FaultPlan {
  /** Counts from 1, blocks and others alike. */
  readonly failingWrite: number
  readonly outcome: FaultOutcome
  /** Times that the store cannot be opened again. Default 0. */
  readonly failingReopens?: number
  /** Done when the store is closed, before it is opened again. */
  readonly whileClosed?: (database: StoreDatabase) => Promise<unknown>
}

/** The real store, one of whose writes fails, when the test lets it. */
export class FailingStore extends LevelAuditStore {
  readonly #database: StoreDatabase
  readonly #plan: FaultPlan
  #writes = 0
  reopens = 0
  /** Lets the failing write end. */
  release: () => void = () => {}
  readonly #released = new Promise<void>((resolve) => {
    this.release = resolve
  })

  constructor(database: StoreDatabase, plan: FaultPlan) {
    super(database)
    this.#database = database
    this.#plan = plan
  }

  override append(...block: Parameters<AuditStore['append']>): Promise<void> {
    return this.#write(() => super.append(...block))
  }

  override write(operations: readonly StoreOperation[]): Promise<void> {
    return this.#write(() => super.write(operations))
  }

  override async reopen(): Promise<void> {
    if (this.reopens++ < (this.#plan.failingReopens ?? 0)) throw diskFailure
    await this.#plan.whileClosed?.(this.#database)
    return super.reopen()
  }

  async #write(write: () => Promise<void>): Promise<void> {
    if (++this.#writes !== this.#plan.failingWrite) return write()
    await this.#released
    if (this.#plan.outcome === 'stored but reported failed') await write()
    throw diskFailure
  }
}
