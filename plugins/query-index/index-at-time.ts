import { headerOfBlock } from '../../protocol/index.ts'
import type { BlockSource } from '../audit-chain/index.ts'

/**
 * The first record that is not older than a time, or `size` when all are: by halving, since the time of the chain never
 * goes backwards, and is the same for all records of a block.
 * @param size records to look among, from the first on
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_BLOCK_MALFORMED
 */
export async function indexAtTime(store: BlockSource, size: number, timeMs: number): Promise<number> {
  let low = 0
  let high = size
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const stored = await store.blockAt(middle)
    if (stored === undefined) return high
    const { header } = headerOfBlock(stored.encoded)
    if (header.timeMs >= timeMs) high = Math.min(header.firstIndex, middle)
    // Altered headers may say anything; the search ends all the same.
    else low = Math.max(header.firstIndex + header.count, middle + 1)
  }
  return Math.min(low, size)
}
