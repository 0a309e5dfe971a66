import {
  bytesEqual,
  type Checkpoint,
  type CryptoProvider,
  consistencyProof,
  Frontier,
  frontierFromTiles,
  HashTile,
  leafHash,
  NoteError,
  type NoteVerifier,
  openCheckpoint,
  ProtocolError,
  parseItems,
  type TileSource,
  tileIn,
  tileWidth,
  toBase64url,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { RemoteLog } from './http-log.ts'

/** What a watcher can find, and what it means. */
export const watchAlarms = {
  'bad-signature': 'the log shows a checkpoint that its key did not sign',
  rollback: 'the log shows a smaller tree than before: it was rolled back, or somebody serves an old copy',
  fork: 'the log signed two trees of which neither extends the other',
  'root-mismatch': 'the leaves that are served do not lead to the root that the log signed',
  unreachable: 'no checkpoint that could be checked came for longer than is allowed',
  stale: 'the log has not grown for longer than is allowed',
} as const

export type WatchAlarmCause = keyof typeof watchAlarms

/** Something that must not be: thrown by a watcher. The notes in it are signed, so that they prove it to others. */
export class WatchAlarm {
  readonly cause: WatchAlarmCause
  /** What was shown before; undefined at the first look. */
  readonly kept: string | undefined
  /** What is shown now. */
  readonly received: string | undefined
  /** Of a fork: that the newer tree begins with another one than the older. */
  readonly proof: ForkProof | undefined

  constructor(cause: WatchAlarmCause, kept?: string, received?: string, proof?: ForkProof) {
    this.cause = cause
    this.kept = kept
    this.received = received
    this.proof = proof
  }
}

/** A consistency proof (RFC 9162 section 2.1.4) from what the newer tree begins with: not the root that was signed. */
export interface ForkProof {
  /** Root of the newer tree's first leaves, as many as the older tree has; base64url. */
  readonly prefixRoot: string
  readonly path: readonly string[]
}

/** What is kept of a log between two looks. */
export interface WatchedTree {
  /** The newest checkpoint that was checked. */
  readonly note: string
  readonly frontier: Frontier
}

export interface WatcherOptions {
  readonly log: RemoteLog
  /** Keys of the log, of one name. */
  readonly verifiers: readonly NoteVerifier[]
  readonly crypto: CryptoProvider
  /** Absent: the first look reads the whole log. */
  readonly known?: WatchedTree
}

/**
 * Looks at a log from outside, and at every look demands that it only grew: the root of each new checkpoint is derived
 * from the leaves, beginning with the tree that was seen before. It needs the leaves alone, so records stay private.
 */
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
    const bytes = await this.#options.log.checkpoint()
    const { checkpoint, note } = this.#open(bytes)
    const known = this.#known
    const size = Number(checkpoint.treeSize)
    if (known !== undefined && size < known.frontier.size) throw new WatchAlarm('rollback', known.note, note)
    if (known !== undefined && size === known.frontier.size) {
      if (!bytesEqual(known.frontier.root(), checkpoint.rootHash)) throw new WatchAlarm('fork', known.note, note)
      return known
    }
    const frontier = known?.frontier.clone() ?? new Frontier(this.#options.crypto)
    const leavesAreRead = await this.#append(frontier, size)
    if (!leavesAreRead || !bytesEqual(frontier.root(), checkpoint.rootHash)) throw await this.#explain(checkpoint, note)
    this.#known = { note, frontier }
    return this.#known
  }

  #open(bytes: Uint8Array): { readonly checkpoint: Checkpoint; readonly note: string } {
    const note = Buffer.from(bytes).toString()
    try {
      const { checkpoint } = openCheckpoint(bytes, this.#options.verifiers)
      if (checkpoint.treeSize > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw new ClientError('ERR_LOG_UNREACHABLE', 'a checkpoint of a tree that is too large')
      }
      return { checkpoint, note }
    } catch (error) {
      if (!(error instanceof NoteError)) throw error
      const isNote = error.code === 'ERR_NOTE_SIGNATURE_INVALID' || error.code === 'ERR_NOTE_UNTRUSTED'
      if (isNote) throw new WatchAlarm('bad-signature', this.#known?.note, note)
      // What stands in between may answer with a page of its own.
      throw new ClientError('ERR_LOG_UNREACHABLE', `what is served is no checkpoint: ${error.message}`, {}, error)
    }
  }

  /** Appends the leaves up to a size, bundle by bundle. @returns false when what is served is no bundle of them */
  async #append(frontier: Frontier, size: number): Promise<boolean> {
    const { log, crypto } = this.#options
    while (frontier.size < size) {
      const index = Math.floor(frontier.size / tileWidth)
      const { width } = tileIn(size, { level: 0, index })
      const leaves = itemsOf(await log.read({ kind: 'entries', index, width }))
      if (leaves.length < width) return false
      for (const leaf of leaves.slice(frontier.size % tileWidth, width)) frontier.append(leafHash(leaf, crypto))
    }
    return true
  }

  /** Asks the tiles whether the signed tree is another one than before, or only its leaves are not what is served. */
  async #explain(checkpoint: Checkpoint, note: string): Promise<WatchAlarm> {
    const { crypto } = this.#options
    const known = this.#known
    const other = new WatchAlarm('root-mismatch', known?.note, note)
    if (known === undefined || known.frontier.size === 0) return other
    const [before, now] = [known.frontier.size, Number(checkpoint.treeSize)]
    // Those of the tree that is there now: partial tiles of the one before may be gone.
    const tiles: TileSource = async (tile) => {
      const hashes = await this.#options.log.read({ kind: 'tile', ...tileIn(now, tile) })
      return new HashTile(hashes, crypto)
    }
    try {
      const prefix = (await frontierFromTiles(before, tiles, crypto)).root()
      const whole = (await frontierFromTiles(now, tiles, crypto)).root()
      if (!bytesEqual(whole, checkpoint.rootHash) || bytesEqual(prefix, known.frontier.root())) return other
      const { path } = await consistencyProof(before, now, tiles, crypto)
      const proof = { prefixRoot: toBase64url(prefix), path: path.map(toBase64url) }
      return new WatchAlarm('fork', known.note, note, proof)
    } catch (error) {
      // The alarm is true without the tiles, too.
      if (error instanceof ClientError || error instanceof ProtocolError) return other
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
