import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerSigner, KeyRegistry, type Requester, signAnchor } from '../../protocol/index.ts'
import type { CheckpointSource } from '../anchors/index.ts'
import {
  AuditChain,
  type KeyCustody,
  nextLogMarkOf,
  openStoreDatabase,
  type StoreDatabase,
} from '../audit-chain/index.ts'
import { CheckpointKeeper, type PublishedCheckpoint } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { examineChain } from './examine.ts'
import { type LastWords, lastWordsOf } from './last-words.ts'
import { keepLeftBehind } from './left-behind-anchors.ts'
import { finishMove, makeNextLog, markNextLogReady } from './move-logs.ts'
import { type VerifiedPart, verifiedPart } from './old-log.ts'
import { publishedIdentity } from './published-identity.ts'
import { recordUsedNumbers, takeOverKeys } from './take-over-keys.ts'

export interface NewLogOptions {
  /** Default: those that the store says were written. */
  readonly anchorPaths?: readonly string[] | undefined
  /** What is known to have a checkpoint of the old log, too. Default: nothing. */
  readonly others?: readonly CheckpointSource[]
  /** Name of the new log. Default: that of the old one and `/log-2`, or the next number. */
  readonly origin?: string | undefined
  /** How its private keys are kept. */
  readonly custody: Pick<KeyCustody, 'passphrase'>
  /** Who asked for it. */
  readonly requester: Requester
}

/** What a recovery did. */
export interface NewLog {
  readonly origin: string
  /** The old log, and the records that its last checkpoint covers. */
  readonly continues: { readonly origin: string; readonly treeSize: number }
  /** Keys that were taken over, and those of which numbers are known. */
  readonly keys: number
  readonly keysWithNumbers: number
  /** Where the old log lies now: a data directory as it was. */
  readonly oldDirectory: string
}

/**
 * Opens a new log in the place of one that must not be started any more: with keys of its own, a genesis that names the
 * last checkpoint of the old one, the numbers that keys had used, and the keys as far as the old chain verifies.
 * Sessions, queues and retained messages stay with the old store: they point to its records.
 * @throws {PluginError} ERR_RECOVERY_*, ERR_ANCHOR_*, ERR_CHAIN_*, ERR_STORE_*, ERR_KEY_*
 */
export async function openNewLog(location: string, options: NewLogOptions): Promise<NewLog> {
  const { anchors, problems } = await examineChain(location, options.anchorPaths, options.others)
  if (problems.length === 0) throw new PluginError('ERR_RECOVERY_NOT_NEEDED', 'this chain starts as it is')
  const published = publishedIdentity(location)
  const isStored = existsSync(join(location, 'store', 'CURRENT'))
  // Held open while the new log is made, so that nobody starts the old one meanwhile.
  const database = isStored ? await openStoreDatabase(location, false) : undefined
  try {
    const part = database === undefined ? emptyPart : await verifiedPart(database, published)
    const words = await lastWordsOf(published, part.registry, database, anchors, options.others)
    const origin = options.origin ?? nextOrigin(published.origin)
    const directory = makeNextLog(location)
    const { anchor, ...next } = await build(directory, origin, words, part, options)
    await keepLeftBehind(directory, words.leftBehind, anchor)
    await markNextLogReady(location)
    return { ...next, oldDirectory: await closeAndMove(location, database) }
  } finally {
    await database?.close()
  }
}

/**
 * Brings a recovery to its end that was interrupted.
 * @returns directory of the old log; undefined when there is nothing to finish
 * @throws {PluginError} ERR_ANCHOR_WRITE_FAILED
 */
export async function finishRecovery(location: string): Promise<string | undefined> {
  return existsSync(nextLogMarkOf(location)) ? finishMove(location) : undefined
}

const emptyPart: VerifiedPart = { registry: new KeyRegistry(nativeCrypto), records: 0 }

async function closeAndMove(location: string, database: StoreDatabase | undefined): Promise<string> {
  await database?.close()
  return finishMove(location)
}

/** @returns with what an anchor has to hold of the new log */
async function build(
  directory: string,
  origin: string,
  { continues, checkpoint, used }: LastWords,
  { registry, records }: VerifiedPart,
  { custody, requester }: NewLogOptions,
): Promise<Omit<NewLog, 'oldDirectory'> & { readonly anchor: Uint8Array }> {
  const chain = await AuditChain.open({ location: directory, origin, continues, custody })
  try {
    await recordUsedNumbers(chain, used, requester)
    await takeOverKeys(chain, registry.list(), records, requester)
    return {
      origin,
      continues: { origin: checkpoint.origin, treeSize: Number(checkpoint.treeSize) },
      keys: registry.list().length,
      keysWithNumbers: used.size,
      anchor: await anchorOf(chain),
    }
  } finally {
    await chain.close()
  }
}

/** The first checkpoint of the new log, as an anchor keeps it. */
async function anchorOf(chain: AuditChain): Promise<Uint8Array> {
  const onError = (error: unknown) => {
    throw error
  }
  const keeper = await CheckpointKeeper.open({
    chain,
    crypto: nativeCrypto,
    intervalMs: () => 0,
    onError,
    now: Date.now,
  })
  await keeper.make()
  const { note } = keeper.newest as PublishedCheckpoint
  return signAnchor(note, chain.registry.highestSeqs(), new BrokerSigner(chain.brokerKey, nativeCrypto))
}

function nextOrigin(origin: string): string {
  const [, base = origin, number = '1'] = /^(.*)\/log-([0-9]{1,9})$/.exec(origin) ?? []
  return `${base}/log-${Number(number) + 1}`
}
