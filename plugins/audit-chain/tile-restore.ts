import {
  bytesEqual,
  type CryptoProvider,
  decodeBlock,
  Frontier,
  frontierFromTiles,
  hashesAtLevel,
  leafHash,
  ProtocolError,
  type TileSource,
  tileWidth,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { damaged } from './chain-errors.ts'
import type { AuditStore, StoreOperation } from './store.ts'
import { TileReader } from './tile-reader.ts'
import type { TileTable } from './tile-table.ts'
import { TileWriter } from './tile-writer.ts'

export interface RestoreTilesOptions {
  readonly store: AuditStore
  readonly table: TileTable
  /** Right edge of the tree after the newest block, as the state of the chain has it. */
  readonly frontier: Frontier
  readonly crypto: CryptoProvider
}

/** Tiles written in one batch while all are made again: 1 MiB. */
const tilesPerBatch = 128

/**
 * Makes the right edge again at start, and checks that tiles and state agree. A store without tiles, or with others
 * than those of its blocks, gets them all anew: an older version wrote it.
 * @param onWarning told why tiles are made again
 * @throws {PluginError} ERR_CHAIN_DAMAGED: the blocks do not lead to this frontier either
 */
export async function openTiles(
  options: RestoreTilesOptions,
  onWarning?: (warning: PluginError) => void,
): Promise<TileWriter> {
  try {
    return await restoreTiles(options)
  } catch (error) {
    if (!(error instanceof PluginError) || error.code !== 'ERR_CHAIN_DAMAGED') throw error
    onWarning?.(error)
    return rebuildTiles(options)
  }
}

/**
 * The tree of a stopped chain, to be read.
 * @throws {PluginError} ERR_CHAIN_DAMAGED
 */
export async function readTiles(options: RestoreTilesOptions): Promise<TileSource> {
  const { table, crypto } = options
  return new TileReader({ table, writer: await openTiles(options), crypto }).read
}

/**
 * Makes the right edge again: the leaves of the newest blocks, and of every level the roots of the tiles that the one
 * above has no full tile for; 255 tiles of each level at most. Tiles below others are checked when they are read.
 * @throws {PluginError} ERR_CHAIN_DAMAGED: a tile is missing, or they do not lead to the frontier
 */
export async function restoreTiles(options: RestoreTilesOptions): Promise<TileWriter> {
  const { table, frontier, crypto } = options
  const { size } = frontier
  const edge: Uint8Array[] = []
  for (let level = 0; hashesAtLevel(size, level) > 0; level++) {
    const end = hashesAtLevel(size, level)
    const start = end - (end % tileWidth)
    const hashes: Uint8Array[] = []
    if (level === 0) for await (const leaves of leafHashes(options, start)) hashes.push(...leaves)
    else {
      for (let index = start; index < end; index++) {
        hashes.push((await table.read({ level: level - 1, index }, crypto)).root())
      }
    }
    if (hashes.length !== end - start) throw damaged('the blocks do not end where the state does')
    edge.push(Buffer.concat(hashes))
  }
  const writer = new TileWriter(table, size, edge)
  // Only the tiles of the right edge are read, which are in memory.
  const { read } = new TileReader({ table, writer, crypto })
  checkFrontier('tiles', await frontierFromTiles(size, read, crypto), frontier)
  return writer
}

/**
 * Makes all tiles again from the blocks.
 * @throws {PluginError} ERR_CHAIN_DAMAGED: the blocks do not lead to the frontier
 */
export async function rebuildTiles(options: RestoreTilesOptions): Promise<TileWriter> {
  const { store, table, frontier, crypto } = options
  const writer = new TileWriter(table)
  const rebuilt = new Frontier(crypto)
  let operations: StoreOperation[] = []
  for await (const leaves of leafHashes(options, 0)) {
    const firstIndex = rebuilt.size
    operations.push(...writer.append(firstIndex, rebuilt.grow(leaves)))
    if (operations.length < tilesPerBatch) continue
    await store.write(operations)
    operations = []
  }
  checkFrontier('blocks', rebuilt, frontier)
  await store.write(operations)
  return writer
}

/** Leaf hashes from an index to the end, by block. @throws {PluginError} ERR_CHAIN_DAMAGED: a block is malformed */
async function* leafHashes({ store, crypto }: RestoreTilesOptions, fromIndex: number): AsyncGenerator<Uint8Array[]> {
  for await (const { firstIndex, encoded } of store.blocks(fromIndex)) {
    try {
      const { entries } = decodeBlock(encoded)
      yield entries.slice(Math.max(0, fromIndex - firstIndex)).map(({ leaf }) => leafHash(leaf, crypto))
    } catch (error) {
      if (error instanceof ProtocolError) throw damaged(`the block of record ${firstIndex}: ${error.message}`, error)
      throw error
    }
  }
}

/** Compares with the state, whose root the newest block header has, too. */
function checkFrontier(what: string, found: Frontier, expected: Frontier): void {
  if (found.size === expected.size && bytesEqual(found.root(), expected.root())) return
  throw damaged(`the ${what} do not lead to the root of the newest block`)
}
