import { CborWriter } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import type { TreeGrowth } from '../merkle/index.ts'
import { type ChainRecord, saltBytes, writeRecord } from '../record/index.ts'
import { BlockWriter } from './block-writer.ts'
import { type BlockHeader, type BlockSigner, encodeBlockHeader } from './header.ts'
import { LeafMaker } from './leaf-maker.ts'
import type { ChainState } from './state.ts'

/** A record with its payload body, waiting for a block. */
export interface RecordWithBody {
  readonly record: ChainRecord
  readonly body: Uint8Array | undefined
}

/** A block ready to be written, and the state after it. */
export interface BuiltBlock {
  readonly header: BlockHeader
  readonly signed: Uint8Array
  readonly encoded: Uint8Array
  readonly next: ChainState
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
  const salts = crypto.randomBytes(saltBytes * records.length)
  let bodyBytes = 0
  for (const { body } of records) if (body !== undefined) bodyBytes += body.length
  const writer = new BlockWriter(records.length, bodyBytes)
  const leaf = new LeafMaker(timeMs)
  const leafHashes: Uint8Array[] = []
  for (let i = 0; i < records.length; i++) {
    const { record, body } = records[i] as RecordWithBody
    const salt = salts.subarray(i * saltBytes, (i + 1) * saltBytes)
    // Salt and record lie side by side to be hashed, and again in the block.
    const salted = writeRecord(scratch.reset().raw(salt), record).finish()
    leaf.make(salted, crypto)
    leafHashes.push(leaf.hash(crypto))
    writer.add(leaf.encoded, salt, salted.subarray(saltBytes), body)
  }
  const growth = frontier.grow(leafHashes)
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
  return { header, signed, encoded: writer.finish(signed), next, growth }
}

/** One record with its salt. Building a block never waits, so nobody else writes to it meanwhile. */
const scratch = new CborWriter(4096)
