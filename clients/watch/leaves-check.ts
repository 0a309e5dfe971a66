import {
  bytesEqual,
  type CryptoProvider,
  Frontier,
  leafHash,
  ProtocolError,
  parseItems,
  tileIn,
  tileWidth,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { GrowthCheck, SignedTree, WatchedTree } from './growth-check.ts'
import type { RemoteLog } from './http-log.ts'
import { type ForkProof, WatchAlarm } from './watch-alarm.ts'

/**
 * Finds the proof that a log signed two trees of which neither extends the other.
 * @returns undefined: it cannot be found out, or is not so
 * @throws {ClientError} ERR_LOG_UNREACHABLE; {ProtocolError}: what is served is not what it should be
 */
export type FindFork = (known: WatchedTree, newer: SignedTree) => Promise<ForkProof | undefined>

export interface LeavesCheckOptions {
  readonly log: RemoteLog
  readonly crypto: CryptoProvider
  readonly findFork: FindFork
}

/**
 * Derives the root of each tree from its leaves, beginning with the tree that was seen before: of a tree that was seen
 * without its leaves, from the first one. It needs the leaves alone, so records stay private.
 */
export class LeavesCheck implements GrowthCheck {
  readonly #options: LeavesCheckOptions

  constructor(options: LeavesCheckOptions) {
    this.#options = options
  }

  async follow(known: WatchedTree | undefined, newer: SignedTree): Promise<WatchedTree> {
    const frontier = known?.frontier?.clone() ?? new Frontier(this.#options.crypto)
    const leavesFit = await this.#append(frontier, known, newer.size)
    if (!leavesFit || !bytesEqual(frontier.root(), newer.rootHash)) throw await this.#explain(known, newer)
    return { ...newer, frontier }
  }

  /**
   * Appends the leaves up to a size, bundle by bundle.
   * @returns false when what is served is no bundle of them, or leads to another tree than was known on the way
   */
  async #append(frontier: Frontier, known: WatchedTree | undefined, size: number): Promise<boolean> {
    const { log, crypto } = this.#options
    while (frontier.size < size) {
      const index = Math.floor(frontier.size / tileWidth)
      const { width } = tileIn(size, { level: 0, index })
      const leaves = itemsOf(await log.read({ kind: 'entries', index, width }))
      if (leaves.length < width) return false
      for (const leaf of leaves.slice(frontier.size % tileWidth, width)) {
        frontier.append(leafHash(leaf, crypto))
        if (frontier.size === known?.size && !bytesEqual(frontier.root(), known.rootHash)) return false
      }
    }
    return true
  }

  /** Whether the signed tree is another one than before, or only its leaves are not what is served. */
  async #explain(known: WatchedTree | undefined, newer: SignedTree): Promise<WatchAlarm> {
    const fork = known === undefined || known.size === 0 ? undefined : await this.#findFork(known, newer)
    return new WatchAlarm(fork === undefined ? 'root-mismatch' : 'fork', known?.note, newer.note, fork)
  }

  async #findFork(known: WatchedTree, newer: SignedTree): Promise<ForkProof | undefined> {
    try {
      return await this.#options.findFork(known, newer)
    } catch (error) {
      // The alarm is true without it, too.
      if (error instanceof ClientError || error instanceof ProtocolError) return undefined
      throw error
    }
  }
}

function itemsOf(bundle: Uint8Array): readonly Uint8Array[] {
  try {
    return parseItems(bundle)
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}
