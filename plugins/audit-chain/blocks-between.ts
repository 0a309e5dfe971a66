import { type Block, type BlockHeader, decodeBlock, type QueryOrder } from '../../protocol/index.ts'
import { damaged } from './chain-errors.ts'
import type { AuditStore } from './store.ts'

/** What is read of the chain. */
export type BlockSource = Pick<AuditStore, 'blockAt' | 'blocksAt' | 'blocksUpTo'>

/** From the first index to the last one, both included. */
export interface IndexRange {
  readonly from: number
  readonly to: number
}

/** What is read at once: a small chain has one record in each block. */
const blocksPerRead = 1024
const bytesPerRead = 256 * 1024

/** As much of a block as is asked for. */
interface PartOfBlock {
  readonly header: BlockHeader
  readonly entries: readonly unknown[]
}

/**
 * The blocks that hold the records of a range, read a few at a time: no iterator is held open in between.
 * @throws {PluginError} ERR_CHAIN_DAMAGED: one is missing
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export function blocksBetween(store: BlockSource, range: IndexRange, order: QueryOrder): AsyncGenerator<Block, void> {
  return partsBetween(store, range, order, decodeBlock)
}

/** As {@link blocksBetween}, with another decoder, which throws the same. */
export async function* partsBetween<Part extends PartOfBlock>(
  store: BlockSource,
  { from, to }: IndexRange,
  order: QueryOrder,
  decode: (encoded: Uint8Array) => Part,
): AsyncGenerator<Part, void> {
  const isUpwards = order === 'asc'
  let at = isUpwards ? from : to
  while (isUpwards ? at <= to : at >= from) {
    const read = isUpwards
      ? store.blocksAt(at, blocksPerRead, bytesPerRead)
      : store.blocksUpTo(at, blocksPerRead, bytesPerRead)
    const before = at
    for (const { encoded } of await read) {
      const block = decode(encoded)
      const { firstIndex } = block.header
      const end = firstIndex + block.entries.length
      if (at < firstIndex || at >= end) break
      yield block
      at = isUpwards ? end : firstIndex - 1
      if (isUpwards ? at > to : at < from) return
    }
    if (at === before) throw damaged(`the block of record ${at} is missing`)
  }
}
