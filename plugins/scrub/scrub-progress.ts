import { decodeCbor, encodeCbor, ProtocolError } from '../../protocol/index.ts'
import { type AuditChain, type StoreOperation, storeSublevel } from '../audit-chain/index.ts'

/** How far the scrub is. */
export interface ScrubProgress {
  /** Index at which the next block to be checked begins; 0: the next pass has not begun. */
  readonly next: number
  /** Passes through the whole chain that were completed. */
  readonly passes: number
  /** When the last one was completed, milliseconds since 1970; 0: none was. */
  readonly lastPassMs: number
}

const none: ScrubProgress = { next: 0, passes: 0, lastPassMs: 0 }
const key = new TextEncoder().encode('progress')

/** Where the progress is kept, so that a restart goes on. Nothing depends on it: what is unreadable begins anew. */
export class ProgressStore {
  readonly #sublevel

  constructor({ database }: AuditChain) {
    this.#sublevel = storeSublevel(database, 'scrub')
  }

  async read(): Promise<ScrubProgress> {
    const stored = await this.#sublevel.get(key)
    return (stored === undefined ? undefined : decode(stored)) ?? none
  }

  put({ next, passes, lastPassMs }: ScrubProgress): StoreOperation {
    return { type: 'put', sublevel: this.#sublevel, key, value: encodeCbor([next, passes, lastPassMs]) }
  }
}

function decode(stored: Uint8Array): ScrubProgress | undefined {
  try {
    const value = decodeCbor(stored)
    if (!Array.isArray(value) || value.length !== 3) return undefined
    const [next, passes, lastPassMs] = value as readonly unknown[]
    return isCount(next) && isCount(passes) && isCount(lastPassMs) ? { next, passes, lastPassMs } : undefined
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}
