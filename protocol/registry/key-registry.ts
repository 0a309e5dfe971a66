import { bytesEqual, toHex } from '../bytes.ts'
import { isKidOf, shortKidBytes, thumbprintOfP256 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import {
  type ChainRecord,
  type EnrollEvent,
  type Genesis,
  isRotation,
  isSignedPublish,
  type KeyEvent,
  type KeySeq,
  keySeqsOf,
  type LogBefore,
  type Predecessor,
  parseErasure,
  parseGenesis,
  parseKeyEvent,
  parseRecovery,
  parseSeqReuse,
  type RetireEvent,
} from '../record/index.ts'
import { NotaryKeys } from './notary-keys.ts'
import { KeyEntry, type RegisteredKey } from './registered-key.ts'

/**
 * The keys that publishers sign with, the sequence numbers they used, and the keys of the notary itself. Holds nothing of its own: every change is a
 * record of the chain, entered here when its index is assigned, so that it governs the very next index. The broker that
 * runs, its start, and whoever verifies a chain use this same class, so they cannot disagree.
 */
export class KeyRegistry {
  /** The keys of the notary itself. */
  readonly notary: NotaryKeys
  readonly #crypto: CryptoProvider
  /** By the short kid, which is unique among all keys ever enrolled. */
  readonly #byShortKid = new Map<string, KeyEntry>()
  readonly #byName = new Map<string, KeyEntry>()
  #before: { readonly continues: Predecessor; readonly used: Map<string, number> } | undefined

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
    this.notary = new NotaryKeys(crypto)
  }

  /** The key that a kid from a message means; revoked and retired ones included. */
  resolve(kid: Uint8Array): RegisteredKey | undefined {
    if (kid.length < shortKidBytes) return undefined
    const entry = this.#byShortKid.get(shortId(kid))
    return entry !== undefined && isKidOf(kid, entry.thumbprint) ? entry : undefined
  }

  /** The key that has, or had, this name. */
  named(name: string): RegisteredKey | undefined {
    return this.#byName.get(name)
  }

  /** The key whose kid would be the same: it, or one that it collides with. */
  withShortKidOf(thumbprint: Uint8Array): RegisteredKey | undefined {
    return this.#byShortKid.get(shortId(thumbprint))
  }

  /** All keys ever enrolled, in the order of their enrolment. */
  list(): readonly RegisteredKey[] {
    return [...this.#byShortKid.values()]
  }

  /** The log that this one continues; undefined where there is none. */
  get before(): LogBefore | undefined {
    return this.#before
  }

  /** The highest sequence number of every key that used one, in this log or in one that it continues. */
  highestSeqs(): readonly KeySeq[] {
    const seqs: KeySeq[] = []
    for (const { thumbprint, highestSeq } of this.#byShortKid.values()) {
      const highest = Math.max(highestSeq, this.#highestBefore(thumbprint))
      if (highest >= 0) seqs.push([thumbprint, highest])
    }
    const others = keySeqsOf(this.#before?.used ?? new Map()).filter(([thumbprint]) => !this.#entry(thumbprint))
    return [...seqs, ...others]
  }

  /** Enters the genesis record. */
  begin(genesis: Genesis): void {
    this.notary.begin(genesis)
    this.#before = genesis.continues && { continues: genesis.continues, used: new Map() }
  }

  /** Goes on from what a snapshot says of the log before this one; its keys come after. */
  restoreBefore(before: LogBefore | undefined): void {
    this.#before = before && { continues: before.continues, used: new Map(before.used) }
  }

  /** Takes a key as it was found in a snapshot. */
  restore(entry: KeyEntry): void {
    const before = this.#highestBefore(entry.thumbprint)
    if (before >= 0) entry.window.giveUpTo(before)
    this.#byShortKid.set(shortId(entry.thumbprint), entry)
    this.#byName.set(entry.name, entry)
  }

  /**
   * Enters a record of the chain: a key event changes the registry, what was signed takes its sequence number. Whether
   * the signer was allowed to sign is not asked here: {@link signerFault} says it.
   * @returns false when the record contradicts what came before it; nothing was changed then
   * @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID
   */
  enter(record: ChainRecord, index: number): boolean {
    if (record.kind === 'genesis') {
      this.begin(parseGenesis(record, this.#crypto))
      return true
    }
    if (record.kind === 'recovery') return this.#enterRecovery(record)
    if (record.kind === 'key') return this.apply(parseKeyEvent(record, this.#crypto), index)
    if (record.kind === 'seq-reuse') return this.#enterReuse(record)
    if (record.kind === 'erasure') return this.#enterErasure(record, index)
    if (record.kind !== 'session' && !isSignedPublish(record)) return true
    return record.outcome === 'will' ? this.#enterWill(record) : this.#enterSeq(record, index)
  }

  /** Applies a key event; false when it contradicts what came before it. */
  apply(event: KeyEvent, index: number): boolean {
    if (event.action === 'enroll') return this.#enroll(event, index)
    // One key per role: what the broker signs must never pass for a publish.
    if (isRotation(event)) return this.#entry(event.thumbprint) === undefined && this.notary.rotate(event, index)
    const entry = this.#entry(event.thumbprint)
    if (entry === undefined || entry.revokedAt !== undefined) return false
    if (event.action === 'revoke') entry.revokedAt = index
    else if (event.action === 'restrict') entry.restrict(event.restrictions)
    else return retire(entry, event, index)
    return true
  }

  #enroll(event: EnrollEvent, index: number): boolean {
    const { key, thumbprint, name, restrictions, replaces } = event
    const isKnown = this.#byShortKid.has(shortId(thumbprint)) || this.#byName.has(name)
    if (isKnown || this.notary.hasBroker(thumbprint) || !bytesEqual(thumbprintOfP256(key, this.#crypto), thumbprint))
      return false
    if (replaces !== undefined && this.#entry(replaces) === undefined) return false
    this.restore(new KeyEntry({ key, thumbprint, name, enrolledAt: index, restrictions, replaces }))
    return true
  }

  #enterSeq(record: ChainRecord, index: number): boolean {
    const { seq, contentDigest, qos = 0, retain = false } = record
    const window = this.#signerOf(record)?.window
    if (window === undefined || seq === undefined || contentDigest === undefined) return false
    if (window.isTooOld(seq) || window.find(seq) !== undefined) return false
    window.accept(seq, { index, contentDigest, qos, retain })
    return true
  }

  #enterWill(record: ChainRecord): boolean {
    const { seq, contentDigest } = record
    const wills = this.#signerOf(record)?.wills
    if (wills === undefined || seq === undefined || contentDigest === undefined) return false
    if (seq <= this.#highestBefore(record.thumbprint) || !wills.mayFire(seq, contentDigest)) return false
    wills.fire(seq, contentDigest)
    return true
  }

  /** One record per number; it names the accepted record that the window knows, and another content. */
  #enterReuse(record: ChainRecord): boolean {
    const { seq, acceptedIndex, contentDigest } = parseSeqReuse(record)
    const window = this.#signerOf(record)?.window
    const accepted = window?.find(seq)
    if (accepted?.index !== acceptedIndex || bytesEqual(accepted.contentDigest, contentDigest)) return false
    return window?.reportReuse(seq) === true
  }

  /** What is erased lies below, and took numbers of keys that were enrolled. */
  #enterErasure(record: ChainRecord, index: number): boolean {
    const { ranges, seqs } = parseErasure(record)
    const [, last = index] = ranges.at(-1) ?? []
    const signers = seqs.map(({ thumbprint, highest }) => ({ window: this.#entry(thumbprint)?.window, highest }))
    if (last >= index || signers.some(({ window }) => window === undefined)) return false
    for (const { window, highest } of signers) window?.giveUpTo(highest)
    return true
  }

  /** Only in a log that continues another, and before any key could sign. */
  #enterRecovery(record: ChainRecord): boolean {
    if (this.#before === undefined || this.#byShortKid.size > 0) return false
    const { used } = this.#before
    for (const [thumbprint, seq] of parseRecovery(record))
      used.set(thumbprint, Math.max(seq, used.get(thumbprint) ?? 0))
    return true
  }

  /** Highest number that a key used in the log before this one; -1 when it used none. */
  #highestBefore(thumbprint: Uint8Array | undefined): number {
    if (this.#before === undefined || thumbprint === undefined) return -1
    return this.#before.used.get(toHex(thumbprint)) ?? -1
  }

  #signerOf({ thumbprint }: ChainRecord): RegisteredKey | undefined {
    return thumbprint === undefined ? undefined : this.#entry(thumbprint)
  }

  #entry(thumbprint: Uint8Array): KeyEntry | undefined {
    const entry = this.#byShortKid.get(shortId(thumbprint))
    return entry !== undefined && bytesEqual(entry.thumbprint, thumbprint) ? entry : undefined
  }
}

function retire(entry: KeyEntry, { lastIndex }: RetireEvent, index: number): boolean {
  if (entry.lastIndex !== undefined || lastIndex < index) return false
  entry.lastIndex = lastIndex
  return true
}

function shortId(thumbprint: Uint8Array): string {
  return toHex(thumbprint.subarray(0, shortKidBytes))
}
