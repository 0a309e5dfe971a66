import type { StoreFinding, TreeGrowth } from '../../protocol/index.ts'
import { tileWidth } from '../../protocol/index.ts'
import { type TileTable, tileName } from '../audit-chain/tile-table.ts'
import { TileWriter } from '../audit-chain/tile-writer.ts'

/**
 * Holds stored tiles against the leaves: what would be written for them is what must lie there. Ends at the first gap of
 * the chain, behind which it is not known what would be written.
 */
export class StoredTileCheck {
  readonly #table: TileTable
  readonly #writer: TileWriter
  #next = 0
  #first: StoreFinding | undefined

  constructor(table: TileTable) {
    this.#table = table
    this.#writer = new TileWriter(table)
  }

  /** The first tile that is not the one that belongs there. */
  get first(): StoreFinding | undefined {
    return this.#first
  }

  /** @param growth what a vouched block added to the tree @param block its height */
  async add(firstIndex: number, growth: TreeGrowth, block: number): Promise<void> {
    if (firstIndex !== this.#next) return
    this.#next += growth.leafHashes.length
    for (const operation of this.#writer.append(firstIndex, growth)) {
      const held = await this.#table.compare(operation)
      if (held.found === 'same') continue
      const { level, index } = held.tile
      const cause = held.found === 'missing' ? 'tile-missing' : 'tile-mismatch'
      const firstLeaf = index * tileWidth ** (level + 1)
      this.#first ??= { cause, block, index: firstLeaf, place: tileName(held.tile) }
    }
  }
}
