import { type Checkpoint, type HighestSeqs, type KeyRegistry, type Predecessor, toHex } from '../../protocol/index.ts'
import { type AnchorFile, type CheckpointSource, identityOf, type LogIdentity, openKept } from '../anchors/index.ts'
import type { StoreDatabase } from '../audit-chain/index.ts'
import { storedCheckpoint } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'

/** What a new log has to know of the old one. */
export interface LastWords {
  readonly continues: Predecessor
  readonly checkpoint: Checkpoint
  readonly used: HighestSeqs
}

/**
 * The newest checkpoint that anybody has of a log, and the highest numbers of its keys from store and anchors.
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
  const used = new Map<string, number>()
  const use = (thumbprint: string, seq: number) => used.set(thumbprint, Math.max(seq, used.get(thumbprint) ?? 0))
  for (const [thumbprint, seq] of registry.highestSeqs()) use(toHex(thumbprint), seq)
  let newest = database && (await endIn(await storedCheckpoint(database), identity, 'the store itself'))
  const consider = async (kept: { readonly note: string } | undefined, place: string) => {
    const end = await endIn(kept, identity, place)
    if (end !== undefined && (newest === undefined || end.checkpoint.treeSize > newest.checkpoint.treeSize))
      newest = end
  }
  for (const anchor of anchors) {
    const content = await anchor.read([identity])
    for (const [thumbprint, seq] of content?.highestSeqs ?? []) use(thumbprint, seq)
    await consider(content, anchor.place)
  }
  for (const source of others) await consider(await source.read([identity]), source.place)
  const [brokerKey] = published.brokerKeys
  if (newest === undefined || brokerKey === undefined) {
    throw new PluginError('ERR_RECOVERY_NO_CHECKPOINT', `there is no checkpoint of ${published.origin}`)
  }
  const { note, logKey, checkpoint } = newest
  return { continues: { note, brokerKey, logKey }, checkpoint, used }
}

async function endIn(kept: { readonly note: string } | undefined, identity: LogIdentity, place: string) {
  if (kept === undefined) return undefined
  const { checkpoint, verified } = openKept(kept.note, identity, place)
  const [signature] = verified
  return signature && { note: kept.note, checkpoint, logKey: signature.key.publicKey }
}
