import type { FoundChain } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { AnchoredPlaces } from './anchored-places.ts'
import { type CheckpointSource, contradictionOf, foundLogOf, standingToSource } from './kept-checkpoints.ts'

/**
 * Lets a chain be started only when it is all that was ever published of it, or more.
 * @throws {PluginError} ERR_CHAIN_ROLLED_BACK, ERR_CHAIN_FORKED, ERR_CHAIN_DAMAGED; ERR_ANCHOR_MISSING: there was one;
 *   ERR_ANCHOR_UNREADABLE, ERR_ANCHOR_INVALID, ERR_ANCHOR_OTHER_LOG
 */
export async function guardChain(found: FoundChain, sources: readonly CheckpointSource[]): Promise<void> {
  const { database, treeSize } = found
  const places = await AnchoredPlaces.open(database)
  const log = foundLogOf(found)
  // All are asked at once: those that do not answer are waited for together. The first in order to refuse is told of.
  const asked = await Promise.allSettled(sources.map((source) => standingToSource(log, source)))
  for (const [i, source] of sources.entries()) {
    const answer = asked[i] as (typeof asked)[number]
    if (answer.status === 'rejected') throw answer.reason
    const standing = answer.value
    if (standing.standing === 'none' && places.has(source.place)) throw missingAnchor(source.place)
    const contradiction = contradictionOf(standing, treeSize)
    if (contradiction !== undefined) throw contradiction
  }
}

/** ERR_ANCHOR_MISSING: who can roll back the store could have taken it away. */
export function missingAnchor(place: string): PluginError {
  return new PluginError('ERR_ANCHOR_MISSING', `the anchor ${place} was written before, and is gone`, { place })
}
