import type { BenchOptions } from './arguments.ts'
import type { Cost } from './cost-meter.ts'
import { isAgainstLimit } from './goals.ts'
import type { PeerName } from './peers/peer.ts'
import { openFilesLimit } from './process-usage.ts'
import { type RowName, rowOf } from './rows.ts'

/** One round of one variant. */
export interface Sample extends Cost {
  figures: Record<string, number>
}

/** One row on one peer. A variant with `noResult` gets no figures, whatever its other rounds said. */
export interface RowVariant {
  kind: 'row'
  row: RowName
  peer: PeerName
  /** What the row counts: messages of all publishers together, topics or connections. */
  size: number
  samples: Sample[]
  notInstalled: boolean
  noResult?: string
}

export interface LimitSample {
  verifiesPerSecond: number
  stolenShare?: number
}

export interface LimitVariant {
  kind: 'limit'
  method: string
  samples: LimitSample[]
  noResult?: string
}

export type Variant = RowVariant | LimitVariant

/** What a process needs beside the connections it is measured with. */
const otherOpenFiles = 200

/** The variants of this run in the order of the table. */
export function planVariants({ rows, peers, messages }: BenchOptions): Variant[] {
  const variants: Variant[] = rows.flatMap((row) => {
    const { peers: able, size } = rowOf(row)
    return peers
      .filter((peer) => able?.includes(peer) ?? true)
      .map((peer) => ({ kind: 'row', row, peer, size: capped(row, size(messages)), samples: [], notInstalled: false }))
  })
  const needsLimit = variants.some((variant) => variant.kind === 'row' && isAgainstLimit(variant.row))
  if (needsLimit) variants.push({ kind: 'limit', method: '', samples: [] })
  return variants
}

function capped(row: RowName, size: number): number {
  const limit = openFilesLimit()
  if (rowOf(row).counted !== 'connections' || limit === undefined) return size
  return Math.min(size, Math.floor((limit - otherOpenFiles) / 4) * 4)
}

export function nameOf(variant: Variant): string {
  return variant.kind === 'limit' ? 'P-256 verification limit' : `${variant.row}, ${variant.peer}`
}

/** Out of the run: without a result already, or a limit that nothing is left to be compared with. */
export function isOver(variant: Variant, variants: readonly Variant[]): boolean {
  if (variant.noResult !== undefined) return true
  if (variant.kind === 'row') return variant.notInstalled
  return !variants.some((other) => other.kind === 'row' && isAgainstLimit(other.row) && !isOver(other, variants))
}
