import { bytesEqual } from '../bytes.ts'
import type { P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { type AlignedSubtree, alignedSubtrees, hashBytes, leafHash } from '../merkle/index.ts'
import {
  type ChainRecord,
  decodeLeaf,
  decodeRecord,
  type Erasable,
  encodeLeaf,
  isSignedPublish,
  type Leaf,
  parseConfig,
  parseDamage,
  parseSession,
  readPlainPublish,
} from '../record/index.ts'
import { type BlockScan, entryOf, type KeptEntry, scanBlock } from './block.ts'
import { BlockDigests } from './block-digests.ts'
import { isBodyErased } from './erase.ts'
import type { ChainFault } from './faults.ts'
import { type BlockHeader, type SignedHeader, verifySignedHeader } from './header.ts'
import { LeafMaker } from './leaf-maker.ts'
import { verifyPublisherSignature, verifySessionRequest } from './verify-publisher.ts'

// What can be said of a block without knowing the ones before it: by far most of the work, and work that threads can
// share. What depends on the rest of the chain is for `ChainVerifier`. Everything here survives a structured clone.

/** What a signature was found to be; unchecked when its key was not known, or nobody asked. */
export type SignatureVerdict = 'valid' | 'invalid' | 'unchecked'

/** A record that something is wrong with, or that has to be looked at in the order of the chain. */
export interface InspectedRecord {
  /** Place in its block. */
  readonly at: number
  readonly fault: ChainFault | undefined
  /** Encoded; undefined when there is nothing to look at any more. */
  readonly record: Uint8Array | undefined
  readonly body: Uint8Array | undefined
  /** What of it is not there: the body that the record names, or the record itself. */
  readonly missing: Erasable | undefined
  readonly signature: SignatureVerdict
}

/** A place whose record and salt are not what its leaf commits to. */
export interface Uncommitted {
  readonly at: number
  /** Hash of the leaf that the record and its salt would have; undefined when the record is none. */
  readonly leafHash: Uint8Array | undefined
}

export interface InspectedBlock {
  /** First index under which the block is stored. */
  readonly key: number
  /** Undefined: the value is not a block. */
  readonly header: SignedHeader | undefined
  /** Key that the signature of the header verifies with; undefined when none of those that were given. */
  readonly signedBy: P256PublicKey | undefined
  /** Entries that are there. */
  readonly count: number
  /** Side by side. */
  readonly leafHashes: Uint8Array
  /** The same leaves, as complete subtrees of the tree. */
  readonly subtrees: readonly AlignedSubtree[]
  readonly uncommitted: readonly Uncommitted[]
  /** Time of the first record, when that is one. */
  readonly firstTimeMs: number | undefined
  readonly records: readonly InspectedRecord[]
}

export interface InspectionOptions {
  readonly crypto: CryptoProvider
  /** A broker key that the header may be signed with. */
  readonly brokerKey?: P256PublicKey | undefined
  /** Key with this thumbprint, when it is known already. */
  readonly keyOf?: (thumbprint: Uint8Array) => P256PublicKey | undefined
  /** Publishers' signatures are looked at from this index on. */
  readonly signaturesFrom: number
}

const nothing = new Uint8Array(0)
/** Of kinds that are looked at by themselves. */
const parsers = { config: parseConfig, session: parseSession, damage: parseDamage } as const

/** @param key first index under which the block is stored @param encoded attacker-controlled */
export async function inspectBlock(
  key: number,
  encoded: Uint8Array,
  options: InspectionOptions,
): Promise<InspectedBlock> {
  const block = orUndefined(() => scanBlock(encoded))
  if (block === undefined) return malformed(key)
  const { crypto } = options
  const inspection = new BlockInspection(block, options)
  const records: InspectedRecord[] = []
  for (let at = 0; at < block.count; at++) {
    const inspected = inspection.next(at)
    if (inspected !== undefined) records.push(inspected instanceof Promise ? await inspected : inspected)
  }
  const { header, count } = block
  const { uncommitted, firstTimeMs } = inspection
  const { leafHashes } = inspection.digests
  return {
    key,
    header,
    signedBy: await signerOf(header, options),
    count,
    leafHashes,
    subtrees: alignedSubtrees(key, leafHashes, crypto),
    uncommitted,
    firstTimeMs,
    records,
  }
}

function malformed(key: number): InspectedBlock {
  return {
    key,
    header: undefined,
    signedBy: undefined,
    count: 0,
    leafHashes: nothing,
    subtrees: [],
    uncommitted: [],
    firstTimeMs: undefined,
    records: [],
  }
}

async function signerOf({ signed }: SignedHeader, options: InspectionOptions): Promise<P256PublicKey | undefined> {
  const { brokerKey, crypto } = options
  if (brokerKey === undefined) return undefined
  return (await isValid(verifySignedHeader(signed, brokerKey, crypto))) ? brokerKey : undefined
}

/** Goes through the entries of one block, in their order. */
class BlockInspection {
  readonly digests: BlockDigests
  readonly uncommitted: Uncommitted[] = []
  firstTimeMs: number | undefined
  readonly #block: BlockScan
  readonly #header: BlockHeader
  readonly #options: InspectionOptions
  #previousMs = 0
  #leafMaker: LeafMaker

  constructor(block: BlockScan, options: InspectionOptions) {
    this.#block = block
    this.#header = block.header.header
    this.#options = options
    this.digests = new BlockDigests(block, options.crypto)
    this.#leafMaker = new LeafMaker(this.#header.timeMs)
  }

  /** @returns undefined when all is well and nothing is left to be looked at */
  next(at: number): InspectedRecord | Promise<InspectedRecord> | undefined {
    if (this.#isSoundPlainPublish(at)) return undefined
    const entry = entryOf(this.#block, at)
    const leaf = orUndefined(() => decodeLeaf(entry.leaf))
    return entry.record === undefined ? this.#erased(at, leaf) : this.#kept(at, entry, leaf)
  }

  /**
   * Whether the entry is a publish that nobody signed, with which all is well: then it is dealt with. Without decoding
   * more of it than that takes, since most chains are made of these.
   */
  #isSoundPlainPublish(at: number): boolean {
    const { encoded, leaves, records, bodies } = this.#block
    const recordAt = records.starts[at] as number
    if (recordAt === 0 || bodies.starts[at] === 0 || this.#header.firstIndex + at === 0) return false
    const plain = readPlainPublish(encoded, recordAt, recordAt + (records.lengths[at] as number))
    if (plain === undefined || plain.payloadSize !== bodies.lengths[at]) return false
    const { timeMs, payloadSha256At } = plain
    if (timeMs < this.#previousMs || timeMs > this.#header.timeMs) return false
    if (this.#leafMaker.timeMs !== timeMs) this.#leafMaker = new LeafMaker(timeMs)
    if (leaves.lengths[at] !== this.#leafMaker.bytes) return false
    const { commitments } = this.digests
    if (!this.#leafMaker.isLeafOf(encoded, leaves.starts[at] as number, commitments, at * hashBytes)) return false
    if (!this.digests.isBodyOf(at, encoded, payloadSha256At)) return false
    this.#previousMs = timeMs
    if (at === 0) this.firstTimeMs = timeMs
    return true
  }

  /** Nothing is left of it but its leaf, which has its time. */
  #erased(at: number, leaf: Leaf | undefined): InspectedRecord {
    if (leaf === undefined) this.uncommitted.push({ at, leafHash: undefined })
    const fault = leaf === undefined ? undefined : this.#timeFault(at, leaf.timeMs, leaf)
    return inspectedRecord(at, { fault, missing: 'records' })
  }

  #kept(at: number, entry: KeptEntry, leaf: Leaf | undefined): InspectedRecord | Promise<InspectedRecord> | undefined {
    const { crypto } = this.#options
    const commitment = this.digests.commitment(at)
    const record = orUndefined(() => decodeRecord(entry.record))
    if (leaf === undefined || !bytesEqual(leaf.commitment, commitment)) {
      const own = record && leafHash(encodeLeaf({ timeMs: record.timeMs, commitment }), crypto)
      this.uncommitted.push({ at, leafHash: own })
    }
    const isFirst = at + this.#header.firstIndex === 0
    if (record === undefined) return inspectedRecord(at, { fault: 'record-malformed', record: keptIf(isFirst, entry) })
    const fault =
      this.#timeFault(at, record.timeMs, leaf) ?? this.#bodyFault(record, entry, at) ?? this.#formFault(at, record)
    const missing = fault === undefined && isBodyErased(record, entry.body) ? 'bodies' : undefined
    if (!isOrdered(record)) {
      if (fault === undefined && missing === undefined && !isFirst) return undefined
      return inspectedRecord(at, { fault, record: keptIf(isFirst, entry), missing })
    }
    const { body } = entry
    const kept = inspectedRecord(at, { fault, record: keptIf(fault !== 'record-malformed', entry), body, missing })
    return fault === undefined && missing === undefined ? this.#withSignature(kept, record, at) : kept
  }

  #timeFault(at: number, timeMs: number, leaf: Leaf | undefined): ChainFault | undefined {
    if (at === 0) this.firstTimeMs = timeMs
    const previousMs = this.#previousMs
    this.#previousMs = timeMs
    const isOfLeaf = leaf === undefined || leaf.timeMs === timeMs
    const fits = isOfLeaf && timeMs >= previousMs && timeMs <= this.#header.timeMs
    return fits ? undefined : 'header-inconsistent'
  }

  #bodyFault(record: ChainRecord, { body }: KeptEntry, at: number): ChainFault | undefined {
    if (record.kind !== 'publish') return body === undefined ? undefined : 'payload-mismatch'
    const { payloadSha256, payloadSize } = record
    if (payloadSha256 === undefined || payloadSize === undefined) return 'payload-mismatch'
    if (body === undefined) return undefined
    const matches = body.length === payloadSize && this.digests.isBodyOf(at, payloadSha256, 0)
    return matches ? undefined : 'payload-mismatch'
  }

  /** What the format says about records of this kind. */
  #formFault(at: number, record: ChainRecord): ChainFault | undefined {
    const isFirst = this.#header.firstIndex + at === 0
    if ((record.kind === 'genesis') !== isFirst) return 'genesis-invalid'
    const { storedTopic, mac } = record
    const isForPublish = storedTopic !== undefined || mac !== undefined
    if ((isForPublish && record.kind !== 'publish') || (storedTopic !== undefined && storedTopic === record.topic)) {
      return 'record-malformed'
    }
    const parse = Object.hasOwn(parsers, record.kind) ? parsers[record.kind as keyof typeof parsers] : undefined
    return parse !== undefined && orUndefined(() => parse(record)) === undefined ? 'record-malformed' : undefined
  }

  #withSignature(kept: InspectedRecord, record: ChainRecord, at: number): InspectedRecord | Promise<InspectedRecord> {
    const { keyOf, signaturesFrom, crypto } = this.#options
    const { thumbprint } = record
    if (thumbprint === undefined || this.#header.firstIndex + at < signaturesFrom) return kept
    const key = hasSignature(record) ? keyOf?.(thumbprint) : undefined
    if (key === undefined) return kept
    return isValid(verifySignatureOf(record, kept.body, key, crypto)).then((valid) => {
      return { ...kept, signature: valid ? 'valid' : 'invalid' }
    })
  }
}

/**
 * Verifies what a key signed: a publish, a will or the request of a session.
 * @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_CBOR_*, ERR_COSE_*
 */
export function verifySignatureOf(
  record: ChainRecord,
  body: Uint8Array | undefined,
  key: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  if (record.kind === 'session') return verifySessionRequest(parseSession(record), key, crypto)
  return verifyPublisherSignature(record, body, key, crypto)
}

/** Whether a record carries a signature of a publisher that stands for itself. */
export function hasSignature(record: ChainRecord): boolean {
  const { kind } = record
  return kind === 'session' || ((kind === 'publish' || kind === 'genesis') && isSignedPublish(record))
}

/** Whether a record has to be looked at in the order of the chain. */
function isOrdered(record: ChainRecord): boolean {
  return ['key', 'seq-reuse', 'erasure', 'recovery'].includes(record.kind) || hasSignature(record)
}

function inspectedRecord(at: number, known: Partial<InspectedRecord>): InspectedRecord {
  return {
    at,
    fault: undefined,
    record: undefined,
    body: undefined,
    missing: undefined,
    signature: 'unchecked',
    ...known,
  }
}

function keptIf(isWanted: boolean, { record }: KeptEntry): Uint8Array | undefined {
  return isWanted ? record : undefined
}

/** What a parser makes of bytes; undefined when it refuses them. */
export function orUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

/** Whether a verification ends without a refusal. */
export async function isValid(verification: Promise<void>): Promise<boolean> {
  try {
    await verification
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
