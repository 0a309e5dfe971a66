import { checkpointOf, type Predecessor, type TileSource } from '../../protocol/index.ts'
import { type FoundChain, whatToDo } from '../audit-chain/index.ts'
import { type Standing, standingTo } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { identityOf, type LogIdentity, logOf, openKept } from './log-identity.ts'

/** Somebody who may have a checkpoint of this log: an anchor file, a witness. */
export interface CheckpointSource {
  /** For messages, and what the store remembers an anchor by. */
  readonly place: string
  /** The newest checkpoint there, a signed note; undefined when there is none. @param logs of one of which it must be */
  read(logs: readonly LogIdentity[]): Promise<{ readonly note: string } | undefined>
}

/** The chain that is compared, as it was found. */
export interface FoundLog {
  readonly identity: LogIdentity
  /** Leaves that it has; 0 when it is empty. */
  readonly treeSize: number
  readonly tiles: TileSource
  /** The log that it continues after a recovery, and the leaves of its last checkpoint. */
  readonly before?: { readonly identity: LogIdentity; readonly treeSize: number }
}

/** A chain as its start found it. */
export function foundLogOf(found: Pick<FoundChain, 'genesis' | 'registry' | 'tiles' | 'treeSize'>): FoundLog {
  const { tiles, treeSize } = found
  return { ...logsOf(found), treeSize, tiles }
}

/** The log of a chain as it is now, and the one that it continues. */
function logsOf({
  genesis,
  registry,
}: Pick<FoundChain, 'genesis' | 'registry'>): Pick<FoundLog, 'identity' | 'before'> {
  const identity = identityOf(genesis.origin, registry.notary)
  return registry.before === undefined ? { identity } : { identity, before: endOf(registry.before.continues) }
}

/** What is known of a log by the one that continues it. */
export function endOf(continues: Predecessor): FoundLog['before'] & object {
  const { origin, treeSize } = checkpointOf(continues, nativeCrypto)
  const identity = { origin, brokerKeys: [continues.brokerKey], logKeys: [continues.logKey] }
  return { identity, treeSize: Number(treeSize) }
}

/** How a chain stands to what one source kept. `none`: nothing is kept there; `before`: the log that it continues is. */
export interface KeptStanding {
  readonly place: string
  readonly standing: Standing | 'none' | 'before'
  /** Leaves that the kept checkpoint covers. */
  readonly keptSize: number
}

/**
 * Compares a chain with a checkpoint that was kept of it.
 * @throws {PluginError} ERR_ANCHOR_*: what is kept there is not to be believed; ERR_CHAIN_DAMAGED: a tile was altered
 */
export async function standingToSource(found: FoundLog, source: CheckpointSource): Promise<KeptStanding> {
  const { identity, before, treeSize, tiles } = found
  const { place } = source
  const logs = before === undefined ? [identity] : [identity, before.identity]
  const kept = await source.read(logs)
  if (kept === undefined) return { place, standing: 'none', keptSize: 0 }
  const log = logOf(kept.note, logs, place)
  const { checkpoint } = openKept(kept.note, log, place)
  const keptSize = Number(checkpoint.treeSize)
  if (log === identity)
    return { place, keptSize, standing: await standingTo(checkpoint, treeSize, tiles, nativeCrypto) }
  if (before !== undefined && keptSize <= before.treeSize) return { place, keptSize, standing: 'before' }
  throw new PluginError(
    'ERR_ANCHOR_OTHER_LOG',
    `${place} knows ${keptSize} records of ${log.origin}, more than this log says it continues`,
    { place, keptSize },
  )
}

/** A checkpoint of a log as a source keeps it. */
export interface KeptNote {
  readonly place: string
  /** The signed note; empty where what is kept there is none of this log. */
  readonly note: string
}

/**
 * What sources keep of a log, so that its chain can be held against it; whether the log signed it is not asked. Of what is
 * left from the log before nothing follows for this one.
 * @param onUnreadable told of a place that cannot be read, ERR_ANCHOR_UNREADABLE; it is left out
 */
export async function keptCheckpoints(
  chain: Pick<FoundChain, 'genesis' | 'registry'>,
  sources: readonly CheckpointSource[],
  onUnreadable: (error: PluginError) => void,
): Promise<readonly KeptNote[]> {
  const { identity, before } = logsOf(chain)
  const logs = before === undefined ? [identity] : [identity, before.identity]
  const notes: KeptNote[] = []
  for (const source of sources) {
    const { place } = source
    try {
      const kept = await source.read(logs)
      if (kept !== undefined && logOf(kept.note, logs, place) === identity) notes.push({ place, note: kept.note })
    } catch (error) {
      if (!(error instanceof PluginError)) throw error
      if (error.code === 'ERR_ANCHOR_UNREADABLE') onUnreadable(error)
      else notes.push({ place, note: '' })
    }
  }
  return notes
}

/** What keeps a chain from being started; undefined: it is all that was kept, or more. */
export function contradictionOf(
  { place, standing, keptSize }: KeptStanding,
  treeSize: number,
): PluginError | undefined {
  if (standing === 'rolled-back') {
    const missing = keptSize - treeSize
    const end = treeSize === 0 ? 'it is empty' : `it ends with record ${treeSize - 1}`
    return new PluginError(
      'ERR_CHAIN_ROLLED_BACK',
      `the chain was rolled back: ${end}, the checkpoint in ${place} covers records up to ${keptSize - 1}; ` +
        `${missing} from record ${treeSize} on are missing. ${whatToDo}`,
      { treeSize, keptSize, missing, place },
    )
  }
  if (standing !== 'forked') return undefined
  return new PluginError(
    'ERR_CHAIN_FORKED',
    `the chain was forked: its first ${keptSize} records are not those that the checkpoint in ${place} covers; ` +
      `one or more below record ${keptSize} are others. ${whatToDo}`,
    { treeSize, keptSize, place },
  )
}
