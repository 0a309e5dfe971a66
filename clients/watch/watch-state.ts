import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  bytesEqual,
  type CryptoProvider,
  Frontier,
  fromBase64url,
  type NoteVerifier,
  openCheckpoint,
  toBase64url,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { replaceFile } from '../key-store/counter-file.ts'
import type { WatchedTree } from './growth-check.ts'
import type { WatchAlarm } from './watch-alarm.ts'

const stateVersion = 1
const maxStateBytes = 1024 * 1024

/** What the state file holds, as JSON. */
interface StateJson {
  readonly version: typeof stateVersion
  readonly checkpoint: string
  /** Roots of the complete subtrees, largest first; base64url. Absent: leaves were not read. */
  readonly subtrees?: readonly string[]
  /** When the tree was first seen, milliseconds since 1970. */
  readonly sinceMs: number
}

/** A tree, and when it was first seen. */
export interface KeptTree extends WatchedTree {
  readonly sinceMs: number
}

/** Where a watcher keeps what it saw, so that it demands the same after a restart. One directory for each log. */
export class WatchState {
  readonly #directory: string
  readonly #path: string

  /** @throws {ClientError} ERR_WATCH_STATE: the directory cannot be made */
  constructor(directory: string) {
    this.#directory = directory
    this.#path = join(directory, 'watch.json')
    try {
      mkdirSync(directory, { recursive: true })
    } catch (cause) {
      throw unusable(`cannot make ${directory}`, cause)
    }
  }

  /**
   * What was seen last; undefined before the first look.
   * @throws {ClientError} ERR_WATCH_STATE: it is damaged, or of another log
   */
  read(verifiers: readonly NoteVerifier[], crypto: CryptoProvider): KeptTree | undefined {
    if (!existsSync(this.#path)) return undefined
    try {
      if (statSync(this.#path).size > maxStateBytes) throw new RangeError('it is too large')
      const state = JSON.parse(readFileSync(this.#path, 'utf8')) as StateJson
      if (state.version !== stateVersion || !Number.isFinite(state.sinceMs)) throw new RangeError('it has another form')
      const { treeSize, rootHash } = openCheckpoint(state.checkpoint, verifiers).checkpoint
      const tree = { note: state.checkpoint, size: Number(treeSize), rootHash, sinceMs: state.sinceMs }
      if (state.subtrees === undefined) return tree
      const frontier = new Frontier(crypto, tree.size, state.subtrees.map(fromBase64url))
      if (!bytesEqual(frontier.root(), rootHash)) throw new RangeError('it does not fit its checkpoint')
      return { ...tree, frontier }
    } catch (cause) {
      throw unusable(`${this.#path} cannot be used: ${(cause as Error).message}`, cause)
    }
  }

  /** Durable when it returns. @throws {ClientError} ERR_WATCH_STATE */
  write({ note, frontier, sinceMs }: KeptTree): void {
    const subtrees = frontier && { subtrees: frontier.subtrees.map(toBase64url) }
    const state: StateJson = { version: stateVersion, checkpoint: note, ...subtrees, sinceMs }
    replace(this.#path, state)
  }

  /**
   * Keeps what an alarm is about.
   * @returns the file, one for each alarm
   * @throws {ClientError} ERR_WATCH_STATE
   */
  keepEvidence({ cause, kept, received, proof }: WatchAlarm, nowMs: number): string {
    const path = join(this.#directory, `evidence-${cause}-${nowMs}.json`)
    replace(path, { cause, seen: new Date(nowMs).toISOString(), kept, received, proof })
    return path
  }
}

function replace(path: string, content: unknown): void {
  try {
    replaceFile(path, `${JSON.stringify(content, undefined, 2)}\n`, 0o644)
  } catch (cause) {
    throw unusable(`cannot write ${path}`, cause)
  }
}

function unusable(what: string, cause: unknown): ClientError {
  return new ClientError('ERR_WATCH_STATE', what, {}, cause)
}
