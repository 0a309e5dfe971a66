import type { TileSource } from '../../protocol/index.ts'
import { whatToDo } from '../audit-chain/index.ts'
import { type Standing, standingTo } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { type LogIdentity, logOf, openKept } from './log-identity.ts'

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
}

/** How a chain stands to what one source kept. `none`: nothing is kept there. */
export interface KeptStanding {
  readonly place: string
  readonly standing: Standing | 'none'
  /** Leaves that the kept checkpoint covers. */
  readonly keptSize: number
}

/**
 * Compares a chain with a checkpoint that was kept of it.
 * @throws {PluginError} ERR_ANCHOR_*: what is kept there is not to be believed; ERR_CHAIN_DAMAGED: a tile was altered
 */
export async function standingToSource(found: FoundLog, source: CheckpointSource): Promise<KeptStanding> {
  const { identity, treeSize, tiles } = found
  const { place } = source
  const kept = await source.read([identity])
  if (kept === undefined) return { place, standing: 'none', keptSize: 0 }
  const checkpoint = openKept(kept.note, logOf(kept.note, [identity], place), place)
  const standing = await standingTo(checkpoint, treeSize, tiles, nativeCrypto)
  return { place, standing, keptSize: Number(checkpoint.treeSize) }
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
