import { bytesEqual, NoteError, type NoteVerifier, openCheckpoint } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { GrowthCheck, SignedTree, WatchedTree } from './growth-check.ts'
import type { RemoteLog } from './http-log.ts'
import { WatchAlarm } from './watch-alarm.ts'

export interface WatcherOptions {
  readonly log: Pick<RemoteLog, 'checkpoint'>
  readonly growth: GrowthCheck
  /** Keys of the log, of one name. */
  readonly verifiers: readonly NoteVerifier[]
  /** Absent: there was no look before. */
  readonly known?: WatchedTree
}

/** Looks at a log from outside, and at every look demands that it only grew. */
export class LogWatcher {
  readonly #options: WatcherOptions
  #known: WatchedTree | undefined

  constructor(options: WatcherOptions) {
    this.#options = options
    this.#known = options.known
  }

  /**
   * Looks once.
   * @returns the tree that is there now; the same object as before when it did not grow
   * @throws {WatchAlarm} @throws {ClientError} ERR_LOG_UNREACHABLE
   */
  async look(): Promise<WatchedTree> {
    const newer = this.#open(await this.#options.log.checkpoint())
    const known = this.#known
    if (known !== undefined && newer.size < known.size) throw new WatchAlarm('rollback', known.note, newer.note)
    if (known !== undefined && newer.size === known.size) {
      if (!bytesEqual(known.rootHash, newer.rootHash)) throw new WatchAlarm('fork', known.note, newer.note)
      return known
    }
    this.#known = await this.#options.growth.follow(known, newer)
    return this.#known
  }

  #open(bytes: Uint8Array): SignedTree {
    const note = Buffer.from(bytes).toString()
    try {
      const { treeSize, rootHash } = openCheckpoint(bytes, this.#options.verifiers).checkpoint
      if (treeSize > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw new ClientError('ERR_LOG_UNREACHABLE', 'a checkpoint of a tree that is too large')
      }
      return { note, size: Number(treeSize), rootHash }
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
      const isNote = error.code === 'ERR_NOTE_SIGNATURE_INVALID' || error.code === 'ERR_NOTE_UNTRUSTED'
      if (isNote) throw new WatchAlarm('bad-signature', this.#known?.note, note)
      // What stands in between may answer with a page of its own.
      throw new ClientError('ERR_LOG_UNREACHABLE', `what is served is no checkpoint: ${error.message}`, {}, error)
    }
  }
}
