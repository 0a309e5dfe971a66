import {
  bytesEqual,
  type Checkpoint,
  type CryptoProvider,
  ed25519NoteVerifier,
  encodeVerifierKey,
  fromBase64url,
  NoteError,
  openCheckpoint,
  type P256PublicKey,
  ProtocolError,
  parseCheckpointText,
  parseSignedNote,
  thumbprintOfP256,
  toBase64url,
  type VerifierKey,
  verifyConsistency,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { KeyStore } from '../key-store/key-store.ts'

/** Two checkpoints of one log of which neither extends the other. Both are signed, so they prove it to others. */
export interface Equivocation {
  /** `rollback`: the newer one is of a smaller tree; `fork`: of a tree that the older one is no part of. */
  readonly cause: 'fork' | 'rollback'
  readonly origin: string
  /** The checkpoint that this client kept, a signed note (C2SP tlog-checkpoint). */
  readonly older: string
  /** The one that it was shown now. */
  readonly newer: string
}

/** Asks the broker for the hashes of a consistency proof, base64url each (`audit.consistency`). Undefined: it has none. */
export type AskConsistency = (from: number, to: number) => Promise<readonly string[] | undefined>

/** Whose checkpoints: they are signed by the log's key where it is given, else vouched for by the broker's. */
export interface GuardedLog {
  readonly logKey: VerifierKey | undefined
  readonly brokerKey: P256PublicKey
}

/** Keeps the newest checkpoint of a log and demands that each one it is shown extends it (RFC 9162 section 2.1.4). */
export class LogGuard {
  readonly #store: KeyStore
  readonly #crypto: CryptoProvider
  readonly #log: GuardedLog
  readonly #name: string

  constructor(store: KeyStore, log: GuardedLog, crypto: CryptoProvider) {
    this.#store = store
    this.#crypto = crypto
    this.#log = log
    const { logKey, brokerKey } = log
    const of = logKey === undefined ? toBase64url(thumbprintOfP256(brokerKey, crypto)) : encodeVerifierKey(logKey)
    this.#name = `checkpoint/${of}`
  }

  /**
   * Holds a checkpoint against the kept one, and keeps it when it is newer and fits.
   * @returns undefined when it fits
   * @throws {ClientError} ERR_BROKER_UNPROVEN: it is none of this log; ERR_KEY_STORE: the kept one is none; what `ask` and
   * the store throw
   */
  async check(note: string, ask: AskConsistency): Promise<Equivocation | undefined> {
    const newer = this.#open(note)
    const kept = await this.#store.get(this.#name)
    if (kept === undefined) {
      await this.#store.set(this.#name, new TextEncoder().encode(note), undefined)
      return undefined
    }
    const keptNote = new TextDecoder().decode(kept)
    const older = this.#openKept(keptNote)
    const broken = (cause: Equivocation['cause']) => ({ cause, origin: newer.origin, older: keptNote, newer: note })
    if (newer.treeSize === older.treeSize) {
      return bytesEqual(newer.rootHash, older.rootHash) ? undefined : broken('fork')
    }
    if (newer.treeSize < older.treeSize) {
      // Another process may have kept a newer one meanwhile: then the broker has that tree, and can prove it.
      return (await this.#isProved(newer, older, ask)) ? undefined : broken('rollback')
    }
    if (!(await this.#isProved(older, newer, ask))) return broken('fork')
    // Who was faster has checked his own.
    await this.#store.set(this.#name, new TextEncoder().encode(note), kept)
    return undefined
  }

  async #isProved(smaller: Checkpoint, larger: Checkpoint, ask: AskConsistency): Promise<boolean> {
    const path = await ask(Number(smaller.treeSize), Number(larger.treeSize))
    return path !== undefined && this.#extends(smaller, larger, path)
  }

  /** @param path as the broker answered: of another form it proves nothing */
  #extends(older: Checkpoint, newer: Checkpoint, path: readonly unknown[]): boolean {
    if (!Array.isArray(path) || !path.every((hash): hash is string => typeof hash === 'string')) return false
    try {
      const proof = { size1: older.treeSize, size2: newer.treeSize, path: path.map(fromBase64url) }
      verifyConsistency(proof, older.rootHash, newer.rootHash, this.#crypto)
      return true
    } catch (error) {
      if (error instanceof ProtocolError || error instanceof RangeError) return false
      throw error
    }
  }

  #open(note: string): Checkpoint {
    return this.#opened(note, 'ERR_BROKER_UNPROVEN', 'the broker shows no checkpoint of its log')
  }

  /** It was opened before it was kept. Nothing takes its place: what it was to be held against would be believed. */
  #openKept(note: string): Checkpoint {
    return this.#opened(note, 'ERR_KEY_STORE', 'the checkpoint in the key store is none any more')
  }

  #opened(note: string, code: 'ERR_BROKER_UNPROVEN' | 'ERR_KEY_STORE', what: string): Checkpoint {
    const { logKey } = this.#log
    try {
      if (logKey === undefined) return parseCheckpointText(parseSignedNote(note).text)
      return openCheckpoint(note, [ed25519NoteVerifier(logKey, this.#crypto)]).checkpoint
    } catch (cause) {
      if (!(cause instanceof NoteError)) throw cause
      throw new ClientError(code, `${what}: ${cause.message}`, {}, cause)
    }
  }
}
