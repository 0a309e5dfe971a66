import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  BlockSigner,
  BrokerSigner,
  type Ed25519PrivateKey,
  type Genesis,
  isKeyName,
  KeyRegistry,
  type P256PrivateKey,
  type P256PublicKey,
  thumbprintOfP256,
  toHex,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import type { AuditChainOptions } from './audit-chain-options.ts'
import {
  type KeyCandidates,
  type KeysInForce,
  keysInForce,
  openKeyCandidates,
  settleKeyFiles,
  unprotectedKeys,
} from './broker-keys.ts'
import { HeadFile } from './head-file.ts'
import { LevelAuditStore, openStoreDatabase, type StoreDatabase } from './level-store.ts'
import { publishKeys } from './published-keys.ts'
import { restoreChain } from './replay.ts'
import { Sequencer } from './sequencer.ts'
import { recordsPerSnapshot, SnapshotKeeper, SnapshotStore } from './snapshots.ts'
import type { AuditStore } from './store.ts'
import { TileReader } from './tile-reader.ts'
import { openTiles } from './tile-restore.ts'
import { TileTable } from './tile-table.ts'
import type { TileWriter } from './tile-writer.ts'
import { WillReservations } from './will-reservations.ts'

/** Where a recovery makes the log that is to take the place of the one in a data directory. */
export const nextLogOf = (location: string) => join(location, 'next-log')

/** There while the new log is complete and has not wholly taken the place of the old one. */
export const nextLogMarkOf = (location: string) => join(nextLogOf(location), 'ready')

/** What a chain that runs is made of. */
export interface OpenedChain {
  readonly database: StoreDatabase
  readonly store: AuditStore
  readonly registry: KeyRegistry
  readonly wills: WillReservations
  readonly genesis: Genesis
  /** The genesis is not recorded yet. */
  readonly isNew: boolean
  readonly logVkey: string
  readonly brokerKey: P256PrivateKey
  readonly logKey: Ed25519PrivateKey
  readonly tileParts: { readonly table: TileTable; readonly writer: TileWriter }
  readonly sequencer: Sequencer
  readonly head: HeadFile
  readonly snapshots: SnapshotKeeper
  /** Resolves when the sequencer has stopped for good. */
  readonly failed: Promise<PluginError>
}

/**
 * Brings the chain of a data directory back, or makes what a new one begins with; takes its keys into use.
 * @throws {PluginError} ERR_STORE_*, ERR_CHAIN_*, ERR_KEY_FILE, ERR_KEY_PASSPHRASE, ERR_RECOVERY_UNFINISHED
 */
export async function openChain(options: AuditChainOptions): Promise<OpenedChain> {
  if (existsSync(nextLogMarkOf(options.location))) {
    const what = `a recovery of ${options.location} did not come to its end; run it again`
    throw new PluginError('ERR_RECOVERY_UNFINISHED', what)
  }
  const database = await openStoreDatabase(options.location)
  try {
    return await openOn(database, options)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openOn(database: StoreDatabase, options: AuditChainOptions): Promise<OpenedChain> {
  const onError = options.onError ?? (() => {})
  const store = new LevelAuditStore(database)
  const isNew = (await store.readState()) === undefined
  const candidates = await openKeyCandidates(options.location, isNew, options.custody ?? {})
  const head = new HeadFile(options.location, onError)
  const registry = new KeyRegistry(nativeCrypto)
  const snapshotStore = new SnapshotStore(database)
  const { state, covered, stored, ...restored } = await restoreChain({
    store,
    crypto: nativeCrypto,
    registry,
    brokerKeys: candidates.brokers.map(({ key }) => key),
    head: head.read(),
    snapshots: snapshotStore,
    onWarning: onError,
  })
  const table = new TileTable(database)
  const writer = await openTiles({ store, table, frontier: state.frontier, crypto: nativeCrypto }, onError)
  const genesis = restored.genesis ?? firstGenesis(candidates, options)
  checkOrigin(genesis, options.origin)
  if (restored.genesis === undefined) registry.begin(genesis)
  const { read } = new TileReader({ table, writer, crypto: nativeCrypto })
  await options.guard?.({ database, genesis, registry, treeSize: state.frontier.size, tiles: read })
  const keys = keysInForce(candidates, registry)
  await takeIntoUse(keys, options)
  const logVkey = await publishKeys(options.location, genesis.origin, registry.notary)
  const brokerKey = keys.broker.key
  const snapshots = new SnapshotKeeper({
    store: snapshotStore,
    registry,
    origin: genesis.origin,
    signer: new BrokerSigner(brokerKey, nativeCrypto),
    crypto: nativeCrypto,
    covered,
    stored,
    recordsPerSnapshot: options.recordsPerSnapshot ?? recordsPerSnapshot,
  })
  let fail: (error: PluginError) => void = () => {}
  const failed = new Promise<PluginError>((resolve) => {
    fail = resolve
  })
  const sequencer = new Sequencer({
    store,
    state,
    tiles: writer,
    signer: new BlockSigner(brokerKey, nativeCrypto),
    crypto: nativeCrypto,
    now: options.now ?? Date.now,
    onBuilt: (block) => snapshots.onBuilt(block.next),
    onBlock: (block) => {
      head.update(block.signed)
      options.onBlock?.(block.signed)
    },
    onOutage: options.onOutage ?? onError,
    onRecovered: options.onRecovered ?? (() => {}),
    onFailure: (error) => {
      onError(error)
      fail(error)
    },
  })
  sequencer.join(snapshots)
  const wills = await WillReservations.open(database, registry)
  return {
    database,
    store,
    registry,
    wills,
    genesis,
    isNew: restored.genesis === undefined,
    logVkey,
    brokerKey,
    logKey: keys.log.key,
    tileParts: { table, writer },
    sequencer,
    head,
    snapshots,
    failed,
  }
}

/** Leaves the files of the keys as they are in force, and says which of them lie there unprotected. */
async function takeIntoUse(keys: KeysInForce, { location, custody, onNotice }: AuditChainOptions): Promise<void> {
  await settleKeyFiles(location, keys)
  if (custody?.passphrase !== undefined) for (const name of unprotectedKeys(keys)) onNotice?.(unprotectedNotice(name))
}

/** What a new chain begins with. */
function firstGenesis({ brokers, logs }: KeyCandidates, { origin, continues }: AuditChainOptions): Genesis {
  const [broker, log] = [brokers[0]?.key, logs[0]?.key]
  if (broker === undefined || log === undefined) throw new PluginError('ERR_KEY_FILE', 'a key of the notary is missing')
  const genesis = { origin: origin ?? defaultOrigin(broker), brokerKey: broker, logKey: log.publicKey }
  return continues === undefined ? genesis : { ...genesis, continues }
}

function unprotectedNotice(name: string): string {
  return `keys/${name} is not protected by the passphrase that is given; run "notarymq keys passwd" to change that`
}

function defaultOrigin(brokerKey: P256PublicKey): string {
  return `notarymq/${toHex(thumbprintOfP256(brokerKey, nativeCrypto).subarray(0, 8))}`
}

function checkOrigin({ origin }: Genesis, wanted: string | undefined): void {
  if (wanted !== undefined && wanted !== origin) {
    throw new PluginError('ERR_CHAIN_ORIGIN_MISMATCH', `this log is named ${origin}, not ${wanted}`)
  }
  if (!isKeyName(origin)) {
    throw new PluginError('ERR_CHAIN_ORIGIN_MISMATCH', 'an origin has no spaces and no +')
  }
}
