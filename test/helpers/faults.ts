import {
  type BlockEntry,
  type ChainFault,
  type ChainVerifierOptions,
  decodeBlock,
  encodeBlock,
} from '../../protocol/index.ts'
import type { StoredBlock } from './chain.ts'

/** A chain with one thing wrong, and what verification has to say about it. */
export interface FaultScenario {
  readonly name: string
  readonly finds: readonly [cause: ChainFault, block: number, index: number]
  readonly blocks: readonly StoredBlock[]
  readonly options?: Partial<ChainVerifierOptions>
}

/** The block with one entry changed; its signed header stays as it is. */
export function withEntry(block: StoredBlock, at: number, changes: Partial<BlockEntry>): StoredBlock {
  const { signed, entries } = decodeBlock(block.encoded)
  const changed = entries.map((entry, i) => (i === at ? { ...entry, ...changes } : entry))
  return { ...block, encoded: encodeBlock(signed, changed).slice() }
}

/** One entry of a block. */
export function entryOf(block: StoredBlock, at: number): BlockEntry {
  return decodeBlock(block.encoded).entries[at] as BlockEntry
}
