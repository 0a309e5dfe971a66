import type { CryptoProvider } from '../crypto-provider.ts'
import { leafHash } from '../merkle/index.ts'
import { type ChainRecord, commitmentOf, encodeLeaf, encodeRecord, saltBytes } from '../record/index.ts'
import { type BlockEntry, encodeBlock } from './block.ts'
import { type BlockHeader, type BlockSigner, encodeBlockHeader } from './header.ts'
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
  const entries: BlockEntry[] = records.map(({ record, body }, i) => {
    const salt = salts.subarray(i * saltBytes, (i + 1) * saltBytes)
    const encodedRecord = encodeRecord(record)
    const leaf = encodeLeaf({ timeMs: record.timeMs, commitment: commitmentOf(salt, encodedRecord, crypto) })
    frontier.append(leafHash(leaf, crypto))
    return { leaf, salt, record: encodedRecord, body }
  })
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
  return { header, signed, encoded: encodeBlock(signed, entries), next }
}
