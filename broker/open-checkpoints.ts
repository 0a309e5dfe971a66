import {
  CheckpointKeeper,
  type DirectTopics,
  nativeCrypto,
  openAnchors,
  PluginError,
  verifierOfWitness,
  Witnesses,
} from '../plugins/index.ts'
import { anchorAlarmJson } from './alarm-json.ts'
import { describe } from './describe.ts'
import type { BrokerParts, PartsOptions } from './open-parts.ts'
import { reportWitness } from './report-witness.ts'

/**
 * Opens what makes checkpoints and has them cosigned; topics tell the newest one.
 * @param parts gets both, so that what was opened can be closed when a later step fails
 * @throws {PluginError} ERR_CHAIN_DAMAGED
 */
export async function openCheckpoints(
  { options, chain, anchors, log, onError }: PartsOptions,
  topics: DirectTopics,
  parts: Partial<BrokerParts>,
): Promise<Pick<BrokerParts, 'checkpoints' | 'witnesses'>> {
  const checkpoints = await CheckpointKeeper.open({
    chain,
    crypto: nativeCrypto,
    intervalMs: () => options().checkpointIntervalMs,
    witnesses: options().witnesses.map((witness) => verifierOfWitness(witness, nativeCrypto)),
    anchors: await openAnchors({
      chain,
      files: anchors,
      onFailing: (place, error) => {
        log.error(`Error: ${describe(error)}. No checkpoint is published until it can; publishes are accepted.`)
        topics.raiseAlarm(anchorAlarmJson(place))
      },
      onMended: (place) => log.warning(`The anchor ${place} is written again; checkpoints are published.`),
    }),
    onError: (error) => {
      // Told once, above, and not with every checkpoint that is tried.
      if (!(error instanceof PluginError && error.code === 'ERR_ANCHOR_WRITE_FAILED')) onError(error)
    },
    now: Date.now,
  })
  parts.checkpoints = checkpoints
  const witnesses = await Witnesses.open({
    chain,
    source: checkpoints,
    witnesses: options().witnesses,
    quorum: options().witnessQuorum,
    crypto: nativeCrypto,
    onChange: (change) => reportWitness(change, log, topics),
  })
  parts.witnesses = witnesses
  if (checkpoints.newest !== undefined) topics.tellCheckpoint(checkpoints.newest.note)
  checkpoints.onPublished(({ note, treeSize }) => {
    // Cosignatures may come for an older one still.
    if (treeSize === checkpoints.newest?.treeSize) topics.tellCheckpoint(note)
  })
  return { checkpoints, witnesses }
}
