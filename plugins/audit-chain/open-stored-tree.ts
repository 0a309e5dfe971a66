import { type ChainState, decodeChainState, ProtocolError, type TileSource } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { damaged } from './chain-errors.ts'
import { LevelAuditStore, type StoreDatabase } from './level-store.ts'
import type { AuditStore } from './store.ts'
import { TileReader } from './tile-reader.ts'
import { openTiles } from './tile-restore.ts'
import { TileTable } from './tile-table.ts'

/** A chain that nobody appends to, with its tree. */
export interface StoredTree {
  readonly store: AuditStore
  readonly state: ChainState
  readonly tiles: TileSource
}

/**
 * Opens blocks and tree of a stopped broker, without its keys. Tiles that are missing are made again.
 * @throws {PluginError} ERR_STORE_NOT_FOUND: there is no chain in the store; ERR_CHAIN_DAMAGED
 */
export async function openStoredTree(database: StoreDatabase): Promise<StoredTree> {
  const store = new LevelAuditStore(database)
  const encoded = await store.readState()
  if (encoded === undefined) throw new PluginError('ERR_STORE_NOT_FOUND', 'there is no chain in the store')
  const state = parsedState(encoded)
  const table = new TileTable(database)
  const writer = await openTiles({ store, table, frontier: state.frontier, crypto: nativeCrypto })
  return { store, state, tiles: new TileReader({ table, writer, crypto: nativeCrypto }).read }
}

function parsedState(encoded: Uint8Array): ChainState {
  try {
    return decodeChainState(encoded, nativeCrypto)
  } catch (error) {
    if (error instanceof ProtocolError) throw damaged(error.message, error)
    throw error
  }
}
