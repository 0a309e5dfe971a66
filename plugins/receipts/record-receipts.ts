import {
  type Block,
  type BlockEntry,
  type ChainRecord,
  type CryptoProvider,
  decodeRecord,
  inclusionProof,
  inclusionReceipt,
  type ReceiptJson,
  toBase64url,
} from '../../protocol/index.ts'
import { type AuditChain, damaged, isInBlock, readBlock } from '../audit-chain/index.ts'
import type { PublishedCheckpoint } from '../checkpoints/index.ts'

/** What receipts are made from. */
export type ReceiptChain = Pick<AuditChain, 'store' | 'tiles'>

/** A record with the proof that a checkpoint covers it. */
export interface RecordReceipt {
  readonly record: ChainRecord
  /** From the leaf's sibling to the root's child. */
  readonly path: readonly Uint8Array[]
  readonly json: ReceiptJson
}

/**
 * Makes receipts one after the other; undefined for a record that was erased, which is proved to nobody any more. The
 * root was signed with the checkpoint, tiles are kept in memory, and a block is read once for all records of it that are
 * asked for in a row.
 * @param indexes below the size of the checkpoint, which has two leaves at least: a receipt has no empty path
 * @throws {PluginError} ERR_CHAIN_DAMAGED: a block or tile is missing or altered
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED, ERR_RECORD_MALFORMED: a block is damaged
 */
export async function* receiptsOf(
  chain: ReceiptChain,
  indexes: Iterable<number>,
  checkpoint: PublishedCheckpoint,
  crypto: CryptoProvider,
): AsyncGenerator<RecordReceipt | undefined> {
  let block: Block | undefined
  for (const index of indexes) {
    if (block === undefined || !isInBlock(block, index)) block = await readBlock(chain.store, index)
    yield await receiptFor(chain, index, block?.entries[index - block.header.firstIndex], checkpoint, crypto)
  }
}

/**
 * Makes one receipt; undefined when the record was erased.
 * @param entry what is stored for the record
 * @throws as {@link receiptsOf}
 */
export async function receiptFor(
  chain: Pick<ReceiptChain, 'tiles'>,
  index: number,
  entry: BlockEntry | undefined,
  checkpoint: PublishedCheckpoint,
  crypto: CryptoProvider,
): Promise<RecordReceipt | undefined> {
  if (entry === undefined) throw damaged(`the block of record ${index} is missing`)
  if (entry.record === undefined) return undefined
  const { treeSize, note, signedRoot } = checkpoint
  const proof = await inclusionProof(index, treeSize, chain.tiles, crypto)
  const json = {
    index,
    treeSize,
    rootHash: toBase64url(checkpoint.rootHash),
    leaf: toBase64url(entry.leaf),
    record: toBase64url(entry.record),
    salt: toBase64url(entry.salt),
    receipt: toBase64url(inclusionReceipt(signedRoot, proof)),
    checkpoint: note,
  }
  return { record: decodeRecord(entry.record), path: proof.path, json }
}
