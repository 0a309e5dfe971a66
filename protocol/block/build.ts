import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes, leafHashes, type TreeGrowth } from '../merkle/index.ts'
import { type ChainRecord, saltBytes, writeRecord } from '../record/index.ts'
import { MessageRow } from '../sha256/index.ts'
import { encodeBlock } from './block.ts'
import { type BlockHeader, type BlockSigner, encodeBlockHeader } from './header.ts'
import { LeafMaker } from './leaf-maker.ts'
import type { ChainState } from './state.ts'

/** A record with its payload body, waiting for a block. */
export interface RecordWithBody {
  /** That of a publish need not have `payloadSha256`: the block makes it of the body. */
  readonly record: ChainRecord
  readonly body: Uint8Array | undefined
}

/** A block ready to be written, and the state after it. */
export interface BuiltBlock {
  readonly header: BlockHeader
  readonly signed: Uint8Array
  readonly encoded: Uint8Array
  readonly next: ChainState
  /** Encoded records, in one buffer. */
  readonly records: readonly Uint8Array[]
  /** What its leaves added to the tree. */
  readonly growth: TreeGrowth
}

/**
 * Builds the block that follows `state`. The state is not changed: it stays true when the write fails.
 * @param records at least one; each carries `timeMs` already
 * @param timeMs of the block; not before `state.timeMs`
 */
export function buildBlock(
  state: ChainState,
  records: readonly RecordWithBody[],
  timeMs: number,
  signer: BlockSigner,
  crypto: CryptoProvider,
): BuiltBlock {
  const frontier = state.frontier.clone()
  const firstIndex = frontier.size
  // Not a Buffer, whose parts take longer to make.
  const salts = new Uint8Array(crypto.randomBytes(saltBytes * records.length))
  const payloads = payloadDigests(records, crypto)
  const salted = new MessageRow(records.length * saltedRecordBytes)
  const starts: number[] = []
  for (let i = 0; i < records.length; i++) {
    const given = records[i] as RecordWithBody
    const payloadSha256 = lacksDigest(given) ? partOf(payloads, i, hashBytes) : given.record.payloadSha256
    writeRecord(salted.writer.raw(partOf(salts, i, saltBytes)), given.record, payloadSha256)
    starts.push(salted.end())
  }
  const maker = new LeafMaker(timeMs)
  const leaves = maker.leavesOf(salted.digests(crypto))
  const hashes = leafHashes(leaves, maker.bytes, crypto)
  const growth = frontier.grow(records.map((_, i) => partOf(hashes, i, hashBytes)))
  const header: BlockHeader = {
    height: state.height,
    previousHash: state.previousHash,
    firstIndex,
    count: records.length,
    timeMs,
    treeSize: frontier.size,
    rootHash: frontier.root(),
  }
  const encodedHeader = encodeBlockHeader(header)
  const signed = signer.sign(encodedHeader)
  const next = { height: state.height + 1, previousHash: crypto.sha256(encodedHeader), timeMs, frontier }
  const { bytes } = salted
  const encodedRecords = starts.map((start, i) => bytes.subarray(start + saltBytes, starts[i + 1]))
  const entries = encodedRecords.map((record, i) => {
    const { body } = records[i] as RecordWithBody
    return { leaf: partOf(leaves, i, maker.bytes), salt: partOf(salts, i, saltBytes), record, body }
  })
  return { header, signed, encoded: encodeBlock(signed, entries), next, records: encodedRecords, growth }
}

const nothing = new Uint8Array(0)
/** Payloads above this are hashed where they are: copying them would cost more than it gains. */
const maxCopiedBytes = 4096
/** What a payload takes, roughly. */
const usualPayloadBytes = 256

function lacksDigest(given: RecordWithBody): given is RecordWithBody & { readonly body: Uint8Array } {
  const { record, body } = given
  return body !== undefined && record.kind === 'publish' && record.payloadSha256 === undefined
}

/** SHA-256 of the payloads that {@link lacksDigest} says, side by side; anything in the places of others. */
function payloadDigests(records: readonly RecordWithBody[], crypto: CryptoProvider): Uint8Array {
  if (!records.some(lacksDigest)) return nothing
  const row = new MessageRow(records.length * usualPayloadBytes)
  const large: { readonly at: number; readonly body: Uint8Array }[] = []
  for (const [i, given] of records.entries()) {
    if (lacksDigest(given)) {
      if (given.body.length <= maxCopiedBytes) row.writer.raw(given.body)
      else large.push({ at: i * hashBytes, body: given.body })
    }
    row.end()
  }
  const digests = row.digests(crypto)
  for (const { at, body } of large) digests.set(crypto.sha256(body), at)
  return digests
}

/** What a record and its salt take, roughly. */
const saltedRecordBytes = 320

/** One of parts of equal size that lie side by side: a view. */
function partOf(row: Uint8Array, index: number, size: number): Uint8Array {
  return row.subarray(index * size, (index + 1) * size)
}
