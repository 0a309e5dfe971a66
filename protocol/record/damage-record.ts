import type { CborValue } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { tileWidth } from '../merkle/index.ts'
import type { ChainRecord } from './record.ts'

/** What can be wrong with what is stored. Those of blocks mean what they mean as faults of a chain. */
export const damageCauses = [
  'unreadable-block',
  'missing-block',
  'misplaced-block',
  'malformed-block',
  'header-signature-invalid',
  'header-inconsistent',
  'previous-hash-mismatch',
  'leaf-mismatch',
  'root-mismatch',
  'record-mismatch',
  'record-malformed',
  'payload-mismatch',
  'erased-unannounced',
  'tile-mismatch',
] as const
export type DamageCause = (typeof damageCauses)[number]

/** A full tile that is missing or not the one that belongs there. */
export interface DamagedTile {
  readonly level: number
  readonly index: number
  /** Whether it was made again from the blocks, in the batch that holds the record. */
  readonly isRepaired: boolean
}

/** What a broker found to be wrong with its own store. It says what was noticed and when; it excuses nothing. */
export interface Damage {
  /** Records that are concerned, from this index to `lastIndex`; of a tile the leaves below it. */
  readonly firstIndex: number
  readonly lastIndex: number
  readonly cause: DamageCause
  /** Exactly when the cause is `tile-mismatch`. */
  readonly tile?: DamagedTile
}

const detail = { firstIndex: 1, lastIndex: 2, cause: 3, tile: 4 } as const

export function damageRecord({ firstIndex, lastIndex, cause, tile }: Damage, timeMs: number): ChainRecord {
  const fields = new Map<number, CborValue>([
    [detail.firstIndex, firstIndex],
    [detail.lastIndex, lastIndex],
    [detail.cause, cause],
  ])
  if (tile !== undefined) fields.set(detail.tile, [tile.level, tile.index, tile.isRepaired])
  return { kind: 'damage', timeMs, detail: fields }
}

/** @throws {ProtocolError} ERR_RECORD_MALFORMED */
export function parseDamage(record: ChainRecord): Damage {
  const { kind, timeMs: _, detail: fields, ...others } = record
  if (kind !== 'damage' || fields === undefined || Object.keys(others).length > 0) throw malformed()
  const firstIndex = fields.get(detail.firstIndex)
  const lastIndex = fields.get(detail.lastIndex)
  const cause = damageCauses.find((one) => one === fields.get(detail.cause))
  if (!isIndex(firstIndex) || !isIndex(lastIndex) || lastIndex < firstIndex || cause === undefined) throw malformed()
  if (fields.size !== (cause === 'tile-mismatch' ? 4 : 3)) throw malformed()
  const place = { firstIndex, lastIndex, cause }
  if (cause !== 'tile-mismatch') return place
  const tile = tileOf(fields.get(detail.tile))
  // Said twice, so that a reader who knows nothing of tiles can tell which records are meant.
  const leaves = tileWidth ** (tile.level + 1)
  if (firstIndex !== tile.index * leaves || lastIndex !== firstIndex + leaves - 1) throw malformed()
  return { ...place, tile }
}

/** Levels that have full tiles in a tree of less than 2^53 leaves. */
const fullLevels = 6

function tileOf(value: CborValue | undefined): DamagedTile {
  if (!Array.isArray(value) || value.length !== 3) throw malformed()
  const [level, index, isRepaired] = value as readonly CborValue[]
  if (!isIndex(level) || level >= fullLevels || !isIndex(index) || typeof isRepaired !== 'boolean') throw malformed()
  return { level, index, isRepaired }
}

function isIndex(value: CborValue | undefined): value is number {
  return typeof value === 'number' && value >= 0
}

function malformed(): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', 'not the record of damage')
}
