import { type AuditStatus, type DiskJson, p256ToJwk, type ScrubJson, toBase64url } from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import type { PublishCounters } from '../authorize-publish/index.ts'
import type { CheckpointKeeper } from '../checkpoints/index.ts'
import type { DiskForecast, DiskReading } from '../retention/index.ts'
import type { ScrubStatus } from '../scrub/index.ts'
import type { Witnesses } from '../witnesses/index.ts'
import type { ParamReader } from './params.ts'

/** What a status is read from. */
export interface StatusSource {
  readonly chain: Pick<AuditChain, 'brokerKey' | 'brokerThumbprint' | 'genesis' | 'logVkey' | 'outage' | 'state'>
  readonly counters: PublishCounters
  /** Start of the broker, milliseconds since 1970. */
  readonly sinceMs: number
  /** Absent: there are no checkpoints. */
  readonly checkpoints?: Pick<CheckpointKeeper, 'newest'>
  /** Absent: there are no witnesses. */
  readonly witnesses?: Pick<Witnesses, 'status'>
  /** What checks the chain in the background. Absent: nothing does. */
  readonly scrub?: { readonly status: ScrubStatus }
  /** Absent: nobody looks at the room that is left. */
  readonly disk?: Pick<DiskForecast, 'read'>
}

/** Size, root and keys of the chain, and how those who watch over it find it: `audit.status`. */
export async function status(params: ParamReader, source: StatusSource): Promise<AuditStatus> {
  params.end()
  const { chain, counters, sinceMs, scrub, checkpoints, witnesses, disk } = source
  const room = disk === undefined || chain.outage !== undefined ? null : diskJson(await disk.read())
  const { state, genesis } = chain
  return {
    treeSize: state.frontier.size,
    blocks: state.height,
    rootHash: toBase64url(state.frontier.root()),
    chainHead: toBase64url(state.previousHash),
    checkpoint: checkpoints?.newest?.note ?? null,
    witnesses: witnesses?.status() ?? null,
    logVkey: chain.logVkey,
    brokerKey: p256ToJwk(chain.brokerKey),
    brokerKid: toBase64url(chain.brokerThumbprint),
    origin: genesis.origin,
    accepted: counters.accepted,
    refused: counters.refused,
    since: new Date(sinceMs).toISOString(),
    scrub: scrub === undefined ? null : scrubJson(scrub.status),
    disk: room,
  }
}

function scrubJson({ checked, passes, lastPassMs, damage }: ScrubStatus): ScrubJson {
  return { checked, passes, lastPass: passes === 0 ? null : new Date(lastPassMs).toISOString(), damage }
}

function diskJson({ storeBytes, freeBytes, bytesPerRecord, bytesPerDay, daysLeft, oldestBody }: DiskReading): DiskJson {
  return {
    storeBytes,
    freeBytes,
    bytesPerRecord: Math.round(bytesPerRecord),
    bytesPerDay: bytesPerDay === undefined ? null : Math.round(bytesPerDay),
    daysLeft: daysLeft === undefined ? null : Math.floor(daysLeft),
    oldestBody:
      oldestBody === undefined ? null : { index: oldestBody.index, time: new Date(oldestBody.timeMs).toISOString() },
  }
}
