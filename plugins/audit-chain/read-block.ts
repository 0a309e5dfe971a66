import { type Block, type BlockEntry, decodeBlock, decodeEntry } from '../../protocol/index.ts'
import type { AuditStore } from './store.ts'

type BlockReader = Pick<AuditStore, 'blockAt'>

/**
 * The block that holds `index`, or would; undefined when there is none.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export async function readBlock(store: BlockReader, index: number): Promise<Block | undefined> {
  const stored = await store.blockAt(index)
  return stored === undefined ? undefined : decodeBlock(stored.encoded)
}

/**
 * What is stored for one record, without decoding the others of its block; undefined when it is not there.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_BLOCK_MALFORMED
 */
export async function readEntry(store: BlockReader, index: number): Promise<BlockEntry | undefined> {
  const stored = await store.blockAt(index)
  return stored === undefined ? undefined : decodeEntry(stored.encoded, index - stored.firstIndex)
}

/** Whether what is stored for a record is in this block. */
export function isInBlock({ header: { firstIndex }, entries }: Block, index: number): boolean {
  return index >= firstIndex && index < firstIndex + entries.length
}
