import { bytesEqual, type ConfigOccasion, configRecord } from '../../protocol/index.ts'
import type { AuditChain } from './audit-chain.ts'
import { configuration } from './key-changes.ts'
import { storeSublevel } from './level-store.ts'
import type { Decision } from './submission.ts'

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
    return this.#chain.record((_index, timeMs) => this.#decide(apply(), occasion, timeMs))
  }

  #decide(digest: Uint8Array | undefined, occasion: ConfigOccasion, timeMs: number): Decision | undefined {
    const before = this.#newest
    // A broker without any rules says nothing, unless it had some.
    const current = digest ?? (before === undefined ? undefined : nothing)
    if (current === undefined || (before !== undefined && bytesEqual(before, current))) return undefined
    this.#newest = current
    return {
      record: configRecord({ digest: current, occasion }, configuration, timeMs),
      also: [{ type: 'put', sublevel: this.#sublevel, key: newestKey, value: current }],
    }
  }
}

/** Stands for no rules at all, where there were some before. */
const nothing = new Uint8Array(32)
