import { bytesEqual, type ConfigOccasion, configRecord, type Requester } from '../../protocol/index.ts'
import type { AuditChain } from './audit-chain.ts'
import { storeSublevel } from './level-store.ts'
import type { Decision } from './submission.ts'

/** Requester of what an operator asked for by a signal or a start. */
const operator: Requester = { auth: 'none' }
const newestKey = new TextEncoder().encode('newest')

/**
 * Records which configuration governs: a change takes effect at the index of its record, so that everybody can tell by
 * which rules a publish was accepted. What is recorded is a digest; the files are the operator's.
 */
export class ConfigRecorder {
  readonly #chain: AuditChain
  readonly #sublevel
  #newest: Uint8Array | undefined

  private constructor(chain: AuditChain) {
    this.#chain = chain
    this.#sublevel = storeSublevel(chain.database, 'configuration')
  }

  static async open(chain: AuditChain): Promise<ConfigRecorder> {
    const recorder = new ConfigRecorder(chain)
    recorder.#newest = await recorder.#sublevel.get(newestKey)
    return recorder
  }

  /**
   * @param apply puts the configuration into force, when its index is known, and tells its SHA-256; undefined: there is
   *   nothing to govern by. What it throws rejects
   * @returns resolves when that is durable; without a record when the digest is the one recorded last
   */
  record(apply: () => Uint8Array | undefined, occasion: ConfigOccasion): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: { readonly error: unknown } | undefined
      this.#chain.submit({
        bytes: 512,
        decide: (_index, timeMs) => {
          try {
            return this.#decide(apply(), occasion, timeMs)
          } catch (error) {
            failure = { error }
            return undefined
          }
        },
        settle: () => (failure === undefined ? resolve() : reject(failure.error)),
      })
      this.#chain.failed.then(reject)
    })
  }

  #decide(digest: Uint8Array | undefined, occasion: ConfigOccasion, timeMs: number): Decision | undefined {
    const before = this.#newest
    // A broker without any rules says nothing, unless it had some.
    const current = digest ?? (before === undefined ? undefined : nothing)
    if (current === undefined || (before !== undefined && bytesEqual(before, current))) return undefined
    this.#newest = current
    return {
      record: configRecord({ digest: current, occasion }, operator, timeMs),
      also: [{ type: 'put', sublevel: this.#sublevel, key: newestKey, value: current }],
    }
  }
}

/** Stands for no rules at all, where there were some before. */
const nothing = new Uint8Array(32)
