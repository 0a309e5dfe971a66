import {
  type BlockEntry,
  type ChainFault,
  type ChainVerifierOptions,
  decodeBlock,
  encodeBlock,
  type KeptEntry,
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
export function withEntry(block: StoredBlock, at: number, changes: Partial<KeptEntry>): StoredBlock {
  const { signed, entries } = decodeBlock(block.encoded)
  const changed = entries.map((entry, i) => (i === at ? { ...kept(entry), ...changes } : entry))
  return { ...block, encoded: encodeBlock(signed, changed).slice() }
}

/** One entry of a block. */
export function entryOf(block: StoredBlock, at: number): KeptEntry {
  return kept(decodeBlock(block.encoded).entries[at])
}

/** An entry that nothing was erased from. */
export function kept(entry: BlockEntry | undefined): KeptEntry {
  if (entry?.record === undefined) throw new Error('there is no record')
  return entry
}
