import type { TestContext } from 'node:test'
import { type RestoreTilesOptions, restoreTiles as restore } from '../../plugins/audit-chain/tile-restore.ts'
import { TileTable } from '../../plugins/audit-chain/tile-table.ts'
import { TileWriter } from '../../plugins/audit-chain/tile-writer.ts'
import {
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  type StoreDatabase,
  type StoreOperation,
} from '../../plugins/index.ts'
import {
  BlockSigner,
  type BuiltBlock,
  buildBlock,
  type ChainState,
  decodeBlock,
  decodeChainState,
  emptyChainState,
  encodeChainState,
  leafHash,
} from '../../protocol/index.ts'
import { atEnd } from './cleanup.ts'
import { unsignedPublish } from './golden-chain.ts'
import { keyMeriadoc } from './keys.ts'

/** A block that is made and not written yet. */
export interface PreparedBlock {
  readonly block: BuiltBlock
  readonly tiles: readonly StoreOperation[]
}

/** A chain on disk with its tiles, written as the sequencer writes it. */
export class TiledChain {
  readonly database: StoreDatabase
  readonly store: LevelAuditStore
  readonly table: TileTable
  readonly leafHashes: Uint8Array[] = []
  state: ChainState = emptyChainState(nativeCrypto)
  writer: TileWriter

  private constructor(database: StoreDatabase) {
    this.database = database
    this.store = new LevelAuditStore(database)
    this.table = new TileTable(database)
    this.writer = new TileWriter(this.table)
  }

  /** Opens what is at `location`; closed when the test ends. The writer is that of an empty tree. */
  static async open(t: TestContext, location: string): Promise<TiledChain> {
    const database = await openStoreDatabase(location)
    atEnd(t, () => database.close())
    const chain = new TiledChain(database)
    const state = await chain.store.readState()
    if (state !== undefined) chain.state = decodeChainState(state, nativeCrypto)
    for await (const { encoded } of chain.store.blocks()) chain.leafHashes.push(...leafHashesOf(encoded))
    return chain
  }

  /** What restoring tiles takes. */
  get parts(): RestoreTilesOptions {
    const { store, table, state } = this
    return { store, table, frontier: state.frontier, crypto: nativeCrypto }
  }

  /** Makes the right edge again, as a start does. */
  async restore(): Promise<void> {
    this.writer = await restore(this.parts)
  }

  /** Makes the next block, and tells the tiles of it. */
  prepare(records: number): PreparedBlock {
    const message = { topic: 'tiles', body: new Uint8Array(8), timeMs: this.state.timeMs }
    const entries = Array.from({ length: records }, () => unsignedPublish(message, nativeCrypto))
    const signer = new BlockSigner(keyMeriadoc, nativeCrypto)
    const block = buildBlock(this.state, entries, message.timeMs, signer, nativeCrypto)
    const growth = this.state.frontier.clone().grow(leafHashesOf(block.encoded))
    return { block, tiles: this.writer.append(block.header.firstIndex, growth) }
  }

  /** @param tiles what is written of them in the batch of the block */
  async write({ block, tiles }: PreparedBlock): Promise<void> {
    const { header, encoded, next } = block
    await this.store.append({ firstIndex: header.firstIndex, encoded }, encodeChainState(next), tiles)
    this.state = next
    this.leafHashes.push(...leafHashesOf(encoded))
  }

  async append(records: number): Promise<void> {
    await this.write(this.prepare(records))
  }

  /** What lies in the store of the tiles, by hexadecimal key. */
  async stored(): Promise<ReadonlyMap<string, Uint8Array>> {
    const all = await tilesOn(this.database).iterator().all()
    return new Map(all.map(([key, value]) => [Buffer.from(key).toString('hex'), Uint8Array.from(value)]))
  }

  /** Puts other bytes where a full tile is, or none. */
  async alter(level: number, index: number, change: (hashes: Uint8Array) => Uint8Array | undefined): Promise<void> {
    const tiles = tilesOn(this.database)
    const key = tileKey(level, index)
    const hashes = await tiles.get(key)
    if (hashes === undefined) throw new Error('there is no such tile')
    const changed = change(Uint8Array.from(hashes))
    if (changed === undefined) await tiles.del(key)
    else await tiles.put(key, changed)
  }
}

/** One byte for the level, eight for the index, so that the order of keys is the order of tiles. */
export function tileKey(level: number, index: number): Uint8Array {
  return Buffer.from([level, ...Buffer.from(index.toString(16).padStart(16, '0'), 'hex')])
}

const tilesOn = (database: StoreDatabase) =>
  database.sublevel<Uint8Array, Uint8Array>('tiles', { keyEncoding: 'view', valueEncoding: 'view' })

function leafHashesOf(encoded: Uint8Array): Uint8Array[] {
  return decodeBlock(encoded).entries.map(({ leaf }) => leafHash(leaf, nativeCrypto))
}
