import { type Checkpoint, type HighestSeqs, type KeyRegistry, type Predecessor, toHex } from '../../protocol/index.ts'
import {
  type AnchorFile,
  type CheckpointSource,
  endOf,
  identityOf,
  type LogIdentity,
  logOf,
  openKept,
} from '../anchors/index.ts'
import type { StoreDatabase } from '../audit-chain/index.ts'
import { storedCheckpoint } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'

/** What a new log has to know of the old one. */
export interface LastWords {
  readonly continues: Predecessor
  readonly checkpoint: Checkpoint
  readonly used: HighestSeqs
  /** Anchors that the old log never wrote: what they hold is of the log that it continued itself. */
  readonly leftBehind: readonly AnchorFile[]
}

/** The last checkpoint of a log, and who signed it. */
interface End {
  readonly note: string
  readonly checkpoint: Checkpoint
  readonly logKey: Uint8Array
}

/**
 * The newest checkpoint that anybody has of a log, and the highest numbers of its keys from store and anchors. Of a log
 * that nobody has one of, and that continued another: the newest of that one.
 * @param registry of the part of the chain that verified
 * @throws {PluginError} ERR_RECOVERY_NO_CHECKPOINT; ERR_ANCHOR_*: an anchor is not to be believed
 */
export async function lastWordsOf(
  published: LogIdentity,
  registry: KeyRegistry,
  database: StoreDatabase | undefined,
  anchors: readonly AnchorFile[],
  others: readonly CheckpointSource[] = [],
): Promise<LastWords> {
  const found = identityOf(published.origin, registry.notary)
  const identity: LogIdentity = {
    origin: published.origin,
    brokerKeys: [...published.brokerKeys, ...found.brokerKeys],
    logKeys: [...published.logKeys, ...found.logKeys],
  }
  const earlier = registry.before?.continues
  const logs = earlier === undefined ? [identity] : [identity, endOf(earlier).identity]
  const used = new Map<string, number>()
  const use = (thumbprint: string, seq: number) => used.set(thumbprint, Math.max(seq, used.get(thumbprint) ?? 0))
  for (const [thumbprint, seq] of registry.highestSeqs()) use(toHex(thumbprint), seq)
  const newest = new Map<LogIdentity, End>()
  const consider = (kept: { readonly note: string } | undefined, place: string): LogIdentity | undefined => {
    if (kept === undefined) return undefined
    const log = logOf(kept.note, logs, place)
    const end = endIn(kept.note, log, place)
    const known = newest.get(log)
    if (end !== undefined && (known === undefined || end.checkpoint.treeSize > known.checkpoint.treeSize))
      newest.set(log, end)
    return log
  }
  consider(earlier, 'the genesis')
  consider(database && (await storedCheckpoint(database)), 'the store itself')
  const leftBehind: AnchorFile[] = []
  for (const anchor of anchors) {
    const content = await anchor.read(logs)
    for (const [thumbprint, seq] of content?.highestSeqs ?? []) use(thumbprint, seq)
    const log = consider(content, anchor.place)
    if (log !== undefined && log !== identity) leftBehind.push(anchor)
  }
  for (const source of others) consider(await source.read(logs), source.place)
  const { continues, checkpoint } = lastOf(logs, newest)
  return { continues, checkpoint, used, leftBehind }
}

/** @param logs the old one first */
function lastOf(logs: readonly LogIdentity[], newest: ReadonlyMap<LogIdentity, End>) {
  for (const log of logs) {
    const end = newest.get(log)
    const [brokerKey] = log.brokerKeys
    if (end === undefined || brokerKey === undefined) continue
    const { note, logKey, checkpoint } = end
    return { continues: { note, brokerKey, logKey }, checkpoint }
  }
  throw new PluginError('ERR_RECOVERY_NO_CHECKPOINT', `there is no checkpoint of ${logs[0]?.origin}`)
}

function endIn(note: string, identity: LogIdentity, place: string): End | undefined {
  const { checkpoint, verified } = openKept(note, identity, place)
  const [signature] = verified
  return signature && { note, checkpoint, logKey: signature.key.publicKey }
}
