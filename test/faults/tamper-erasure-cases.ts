import { decodeBlock, type Erasable, eraseFrom, erasureRecord, RangeSet } from '../../protocol/index.ts'
import type { StoredBlock } from '../helpers/chain.ts'
import { entryOf, withEntry } from '../helpers/faults.ts'
import { startMs } from '../helpers/golden-chain.ts'
import { type Finds, honest, matrixChain } from './tamper-matrix-cases.ts'

/** All records of block 5. */
const [first, last] = [306, 310]
const erasureMs = startMs + 6000

/** The blocks of the matrix, and an erasure record behind them, in block 7, at index 314. */
export function announced(what: Erasable, to: number = last): readonly StoredBlock[] {
  const chain = matrixChain()
  const ranges = [[first, to]] as const
  const record = erasureRecord({ what, ranges, reason: 'age', seqs: [] }, { auth: 'none' }, erasureMs)
  chain.append([{ record, body: undefined }], erasureMs)
  return chain.blocks
}

/** Takes them all out of block 5, whether that is announced or not. */
export function erased(what: Erasable, blocks: readonly StoredBlock[]): readonly StoredBlock[] {
  const block = blocks[5] as StoredBlock
  const encoded = eraseFrom(decodeBlock(block.encoded), what, new RangeSet([[first, last]]))
  if (encoded === undefined) throw new Error('nothing to erase')
  return blocks.with(5, { ...block, encoded })
}

export interface TamperedErasure {
  readonly from: readonly StoredBlock[]
  readonly blocks: readonly StoredBlock[]
  readonly finds: Finds
  /** Holes that the chain announces or does not. */
  readonly counted: number
}

const flipped = (bytes: Uint8Array | undefined) =>
  Uint8Array.from(bytes ?? [], (byte, i) => (i === 20 ? byte ^ 1 : byte))

/** What somebody does who hides behind an erasure. */
export function erasures(what: Erasable): Readonly<Record<string, TamperedErasure>> {
  const whole = announced(what)
  const honestly = erased(what, whole)
  const [b5, b6, b7] = whole.slice(5) as [StoredBlock, StoredBlock, StoredBlock]
  const part = announced(what, last - 2)
  const other = announced(what === 'bodies' ? 'records' : 'bodies')
  return {
    'announced by nothing': {
      from: honest,
      blocks: erased(what, honest),
      finds: ['erased-unannounced', 5, first, 5],
      counted: 5,
    },
    'of which two are not announced': {
      from: part,
      blocks: erased(what, part),
      finds: ['erased-unannounced', 5, last - 1, 2],
      counted: 5,
    },
    // Payloads go with their records, but not the other way round.
    ...(what === 'bodies'
      ? {}
      : {
          'where payloads alone are announced': {
            from: other,
            blocks: erased(what, other),
            finds: ['erased-unannounced', 5, first, 5],
            counted: 5,
          } satisfies TamperedErasure,
        }),
    'and a leaf of one altered': {
      from: whole,
      blocks: honestly.with(5, withEntry(b5, 2, { leaf: flipped(decodeBlock(b5.encoded).entries[2]?.leaf) })),
      // What a block that does not lead to its root has is not counted.
      finds: ['leaf-mismatch', 5, 308, 1],
      counted: 0,
    },
    'and a payload behind them altered': {
      from: whole,
      blocks: honestly.with(6, withEntry(b6, 0, { body: flipped(entryOf(b6, 0).body).fill(0) })),
      finds: ['payload-mismatch', 6, 311, 1],
      counted: 5,
    },
    'and the erasure record altered': {
      from: whole,
      blocks: honestly.with(7, withEntry(b7, 0, { record: flipped(entryOf(b7, 0).record) })),
      finds: ['erased-unannounced', 5, 306, 6],
      counted: 5,
    },
    'and the erasure record cut off with its block': {
      from: whole,
      blocks: honestly.slice(0, 7),
      finds: ['erased-unannounced', 5, 306, 6],
      counted: 5,
    },
  }
}
