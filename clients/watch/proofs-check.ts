import {
  bytesEqual,
  type CryptoProvider,
  ProtocolError,
  rootsOfConsistency,
  toBase64url,
} from '../../protocol/index.ts'
import type { GrowthCheck, SignedTree, WatchedTree } from './growth-check.ts'
import { type ForkProof, WatchAlarm } from './watch-alarm.ts'

/** A log that proves that one of its trees extends another. */
export interface ProvingLog {
  /**
   * A path of RFC 9162 section 2.1.4 between trees of two sizes: attacker-controlled. What is none is an empty one.
   * @throws {ClientError} ERR_LOG_UNREACHABLE
   */
  consistencyPath(from: number, to: number): Promise<readonly Uint8Array[]>
}

/**
 * Demands a consistency proof for each tree, from the one that was seen before: what everybody may ask for. The first tree
 * is taken as it is, and that leaves are what a root was made of is not seen.
 */
export class ProofsCheck implements GrowthCheck {
  readonly #log: ProvingLog
  readonly #crypto: CryptoProvider

  constructor(log: ProvingLog, crypto: CryptoProvider) {
    this.#log = log
    this.#crypto = crypto
  }

  async follow(known: WatchedTree | undefined, { note, size, rootHash }: SignedTree): Promise<WatchedTree> {
    const newer = { note, size, rootHash }
    // Every tree extends the empty one.
    if (known === undefined || known.size === 0) return newer
    const path = await this.#log.consistencyPath(known.size, size)
    const prefix = this.#prefixOf(known, newer, path)
    if (prefix === undefined) throw new WatchAlarm('proof-invalid', known.note, note)
    if (!bytesEqual(prefix, known.rootHash)) throw new WatchAlarm('fork', known.note, note, forkProof(prefix, path))
    return newer
  }

  /** As {@link FindFork}. An honest path of a log that forked is the proof, but where the older size is a power of two. */
  async findFork(known: WatchedTree, newer: SignedTree): Promise<ForkProof | undefined> {
    const path = await this.#log.consistencyPath(known.size, newer.size)
    const prefix = this.#prefixOf(known, newer, path)
    return prefix === undefined || bytesEqual(prefix, known.rootHash) ? undefined : forkProof(prefix, path)
  }

  /** Root of what the newer tree begins with, as many leaves as the known one has; undefined: the path does not tell. */
  #prefixOf(known: WatchedTree, newer: SignedTree, path: readonly Uint8Array[]): Uint8Array | undefined {
    try {
      const proof = { size1: BigInt(known.size), size2: BigInt(newer.size), path }
      const { root1, root2 } = rootsOfConsistency(proof, known.rootHash, this.#crypto)
      return bytesEqual(root2, newer.rootHash) ? root1 : undefined
    } catch (error) {
      if (error instanceof ProtocolError) return undefined
      throw error
    }
  }
}

function forkProof(prefixRoot: Uint8Array, path: readonly Uint8Array[]): ForkProof {
  return { prefixRoot: toBase64url(prefixRoot), path: path.map(toBase64url) }
}
