import { type Block, type BlockEntry, decodeBlock } from '../../protocol/index.ts'
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

/** What is stored for one record; undefined when its block is not there. @throws as {@link readBlock} */
export async function readEntry(store: BlockReader, index: number): Promise<BlockEntry | undefined> {
  const block = await readBlock(store, index)
  return block?.entries[index - block.header.firstIndex]
}
