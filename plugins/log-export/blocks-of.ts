import { type Block, decodeBlock } from '../../protocol/index.ts'
import { type AuditStore, damaged } from '../audit-chain/index.ts'

/** What is read at a time, so that nothing else waits long: about as much as a disk gives in a millisecond. */
const slice = { blocks: 64, bytes: 256 * 1024 }

/**
 * Blocks of a chain from the one that holds an index, slice by slice: no iterator is held open in between.
 * @param end size of a tree that ends with a block
 * @throws {PluginError} ERR_CHAIN_DAMAGED: a block is missing
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export async function* blocksOf(
  store: Pick<AuditStore, 'blocksAt'>,
  fromIndex: number,
  end: number,
): AsyncGenerator<Block> {
  for (let index = fromIndex; index < end; ) {
    const stored = await store.blocksAt(index, slice.blocks, slice.bytes)
    const before = index
    for (const { encoded } of stored) {
      const block = decodeBlock(encoded)
      const { firstIndex, treeSize } = block.header
      if (firstIndex > index || treeSize <= index) throw damaged(`the block of record ${index} is missing`)
      yield block
      index = treeSize
      if (index >= end) return
    }
    if (index === before) throw damaged(`the block of record ${index} is missing`)
  }
}
