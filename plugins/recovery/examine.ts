import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyRegistry } from '../../protocol/index.ts'
import {
  AnchoredPlaces,
  AnchorFile,
  type CheckpointSource,
  contradictionOf,
  type FoundLog,
  foundLogOf,
  type KeptStanding,
  type LogIdentity,
  missingAnchor,
  standingToSource,
} from '../anchors/index.ts'
import {
  LevelAuditStore,
  nextLogMarkOf,
  openStoreDatabase,
  type RestoredChain,
  readTiles,
  restoreChain,
  SnapshotStore,
  type StoreDatabase,
  TileTable,
} from '../audit-chain/index.ts'
import { storedCheckpoint } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { publishedIdentity } from './published-identity.ts'

/** What became of a chain. The first two start. */
export type ChainVerdict = 'identical' | 'extended' | 'rolled-back' | 'forked' | 'damaged' | 'anchor-refused'

/** What was found out about a stopped chain and what was kept of it. */
export interface Examination {
  readonly verdict: ChainVerdict
  readonly origin: string
  /** Records in the store; 0 when it is not there, or its end cannot be read. */
  readonly records: number
  readonly blocks: number
  readonly standings: readonly KeptStanding[]
  /** Why a start would be refused, the first reason first. */
  readonly problems: readonly PluginError[]
  /** Anchors that were asked. */
  readonly anchors: readonly AnchorFile[]
}

/**
 * Finds out what a start of a stopped chain would find out, and more: it does not end with the first contradiction.
 * Changes nothing but tiles that do not fit the blocks.
 * @param anchorPaths default: those that the store says were written
 * @param others what is known to have a checkpoint of it, too
 * @throws {PluginError} ERR_KEY_FILE, ERR_STORE_LOCKED, ERR_STORE_FORMAT_UNKNOWN, ERR_RECOVERY_UNFINISHED
 */
export async function examineChain(
  location: string,
  anchorPaths?: readonly string[],
  others: readonly CheckpointSource[] = [],
): Promise<Examination> {
  if (existsSync(nextLogMarkOf(location))) {
    throw new PluginError('ERR_RECOVERY_UNFINISHED', `a recovery of ${location} did not come to its end`)
  }
  const identity = publishedIdentity(location)
  if (!existsSync(join(location, 'store', 'CURRENT'))) return examineNothing(identity, anchorPaths ?? [], others)
  const database = await openStoreDatabase(location, false)
  try {
    return await examineStore(database, location, identity, anchorPaths, others)
  } finally {
    await database.close()
  }
}

/** The store is gone: everything that was kept is missing. */
async function examineNothing(
  identity: LogIdentity,
  paths: readonly string[],
  others: readonly CheckpointSource[],
): Promise<Examination> {
  const anchors = paths.map((path) => new AnchorFile(path))
  const problems: PluginError[] = [new PluginError('ERR_CHAIN_ROLLED_BACK', 'there is no store')]
  const noTiles = () => Promise.reject(new RangeError('an empty tree has no tiles'))
  const standings = await standingsTo({ identity, treeSize: 0, tiles: noTiles }, [...anchors, ...others], problems)
  return { verdict: 'rolled-back', origin: identity.origin, records: 0, blocks: 0, standings, problems, anchors }
}

async function examineStore(
  database: StoreDatabase,
  location: string,
  published: LogIdentity,
  anchorPaths: readonly string[] | undefined,
  others: readonly CheckpointSource[],
): Promise<Examination> {
  const places = await AnchoredPlaces.open(database)
  const anchors = (anchorPaths ?? places.all).map((path) => new AnchorFile(path))
  const problems: PluginError[] = []
  const store = new LevelAuditStore(database)
  const snapshots = new SnapshotStore(database)
  const restore = (registry: KeyRegistry, head: Uint8Array | undefined) =>
    restoreChain({ store, crypto: nativeCrypto, registry, brokerKeys: published.brokerKeys, head, snapshots })
  const registry = new KeyRegistry(nativeCrypto)
  const restored = await caught(problems, () => restore(registry, undefined))
  const genesis = restored?.genesis
  if (restored === undefined || genesis === undefined) {
    return { verdict: 'damaged', origin: published.origin, records: 0, blocks: 0, standings: [], problems, anchors }
  }
  const head = existsSync(join(location, 'head')) ? readFileSync(join(location, 'head')) : undefined
  await caught(problems, () => restore(new KeyRegistry(nativeCrypto), head))
  const standings = await standingsOf(database, { ...restored, genesis }, registry, [...anchors, ...others], problems)
  for (const { place, standing } of standings) {
    if (standing === 'none' && places.has(place)) problems.push(missingAnchor(place))
  }
  const { height, frontier } = restored.state
  const verdict = verdictOf(problems, standings)
  return { verdict, origin: genesis.origin, records: frontier.size, blocks: height, standings, problems, anchors }
}

/** What the store and others kept, against the tree; none when that is damaged. */
async function standingsOf(
  database: StoreDatabase,
  { state, genesis }: RestoredChain & Pick<Required<RestoredChain>, 'genesis'>,
  registry: KeyRegistry,
  others: readonly CheckpointSource[],
  problems: PluginError[],
): Promise<readonly KeptStanding[]> {
  const store = new LevelAuditStore(database)
  const { frontier } = state
  const parts = { store, table: new TileTable(database), frontier, crypto: nativeCrypto }
  const tiles = await caught(problems, () => readTiles(parts))
  if (tiles === undefined || genesis === undefined) return []
  const own: CheckpointSource = { place: 'the store itself', read: () => storedCheckpoint(database) }
  return standingsTo(foundLogOf({ genesis, registry, treeSize: frontier.size, tiles }), [own, ...others], problems)
}

async function standingsTo(
  found: FoundLog,
  sources: readonly CheckpointSource[],
  problems: PluginError[],
): Promise<readonly KeptStanding[]> {
  const standings: KeptStanding[] = []
  for (const source of sources) {
    const standing = await caught(problems, () => standingToSource(found, source))
    if (standing === undefined) continue
    standings.push(standing)
    const contradiction = contradictionOf(standing, found.treeSize)
    if (contradiction !== undefined) problems.push(contradiction)
  }
  return standings
}

/** Collects what would refuse a start. */
async function caught<T>(problems: PluginError[], look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    problems.push(error)
    return undefined
  }
}

function verdictOf([first]: readonly PluginError[], standings: readonly KeptStanding[]): ChainVerdict {
  if (first === undefined) return standings.some(({ standing }) => standing === 'extended') ? 'extended' : 'identical'
  if (first.code === 'ERR_CHAIN_ROLLED_BACK') return 'rolled-back'
  if (first.code === 'ERR_CHAIN_FORKED') return 'forked'
  return first.code.startsWith('ERR_ANCHOR_') ? 'anchor-refused' : 'damaged'
}
