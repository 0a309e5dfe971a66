import { type ChainRecord, decodeRecord, type Erasable, mayBeErased, type RangeSet } from '../record/index.ts'
import { type Block, type BlockEntry, encodeBlock } from './block.ts'

/** Whether a record had a payload that is gone. An empty payload is one of no bytes, and is there. */
export function isBodyErased({ kind }: Pick<ChainRecord, 'kind'>, body: Uint8Array | undefined): boolean {
  return kind === 'publish' && body === undefined
}

/**
 * Takes out of a block what an erasure announces. Header and leaves stay as they are; done again it changes nothing.
 * @returns the block to store; undefined when nothing of it is left to take out
 * @throws {ProtocolError} ERR_CBOR_*, ERR_RECORD_MALFORMED
 */
export function eraseFrom(block: Block, what: Erasable, indexes: RangeSet): Uint8Array | undefined {
  const { firstIndex } = block.header
  let isChanged = false
  const entries = block.entries.map((entry, i): BlockEntry => {
    const isMeant = entry.record !== undefined && indexes.has(firstIndex + i)
    if (!isMeant || (what === 'bodies' && entry.body === undefined)) return entry
    // What governs later records, or is evidence, stays whatever a record says.
    if (what === 'records' && !mayBeErased(decodeRecord(entry.record).kind)) return entry
    isChanged = true
    const { leaf } = entry
    return what === 'bodies'
      ? { ...entry, body: undefined }
      : { leaf, salt: undefined, record: undefined, body: undefined }
  })
  return isChanged ? encodeBlock(block.signed, entries) : undefined
}
