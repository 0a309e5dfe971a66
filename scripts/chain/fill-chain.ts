import { type AuditChain, type Decision, nativeCrypto } from '../../plugins/index.ts'
import { type ChainRecord, encodeRecord } from '../../protocol/index.ts'

/** More than a block has, so that LevelDB finds nothing to compress in them. */
const differentBodies = 1024

/** Clients that publish in turn, so that a query for one of them is neither for everything nor for nothing. */
export const clients = 1000

/** The same length for each. */
export const clientIdOf = (index: number): string => `sensor-${String(index % clients).padStart(4, '0')}`

/** Bytes of a record and its body together, as design section 10 has them. */
export const recordAndBodyBytes = 300

export interface FillOptions {
  readonly records: number
  /** Records in a group commit. */
  readonly perCommit: number
  /** What each of them is. Default: an unsigned publish. */
  readonly decide?: (index: number, timeMs: number) => Decision
  /** Told after each commit how many records are durable. */
  readonly onDurable?: (records: number) => void
}

/** One that is being written, and one that is made meanwhile. */
const groupsAtOnce = 2

/**
 * Appends publishes as the gate would: while one group is being synced, the next one waits. The digests of their
 * payloads are computed before, so that what is timed is the chain. Resolves when all are durable.
 */
export async function fillChain(chain: AuditChain, options: FillOptions): Promise<void> {
  const { records, perCommit, onDurable, decide = decisions() } = options
  let submitted = 0
  let durable = 0
  let underway = 0
  /** Whether a group waits to be taken: another one would be taken with it, however fast the disk is. */
  let isWaiting = false
  await new Promise<void>((resolve, reject) => {
    chain.failed.then(reject)
    const submitGroup = () => {
      if (isWaiting || underway === groupsAtOnce || submitted === records) return
      const count = Math.min(perCommit, records - submitted)
      submitted += count
      underway++
      isWaiting = true
      for (let left = count; left > 1; left--) chain.submit({ bytes: recordAndBodyBytes, decide, settle: () => {} })
      // The last one of a group speaks for all of it.
      chain.submit({ bytes: recordAndBodyBytes, decide: decideLast, settle: () => settled(count) })
    }
    const decideLast: typeof decide = (index, timeMs) => {
      isWaiting = false
      queueMicrotask(submitGroup)
      return decide(index, timeMs)
    }
    const settled = (count: number) => {
      durable += count
      underway--
      onDurable?.(durable)
      if (durable === records) resolve()
      else submitGroup()
    }
    submitGroup()
  })
}

function decisions(): (index: number, timeMs: number) => Decision {
  const fields = {
    kind: 'publish',
    topic: 'plant/7/line/3/temperature',
    clientId: clientIdOf(0),
    auth: 'none',
    listener: 'mqtt://127.0.0.1:1883',
    qos: 1,
    retain: false,
    outcome: 'unsigned',
  } as const
  const bare: ChainRecord = { ...fields, timeMs: Date.now(), payloadSha256: new Uint8Array(32), payloadSize: 200 }
  const bodyBytes = recordAndBodyBytes - encodeRecord(bare).length
  const clientIds = Array.from({ length: clients }, (_, client) => clientIdOf(client))
  const payloads = Array.from({ length: differentBodies }, () => {
    const body = nativeCrypto.randomBytes(bodyBytes)
    return { body, payloadSha256: nativeCrypto.sha256(body), payloadSize: bodyBytes }
  })
  return (index, timeMs) => {
    const { body, payloadSha256, payloadSize } = payloads[index % differentBodies] as (typeof payloads)[number]
    // All members in one literal, as the gate has them: an object that is put together by spreading takes ten times as
    // long to make and to encode.
    const { kind, topic, auth, listener, qos, retain, outcome } = fields
    const clientId = clientIds[index % clients] as string
    const record = { kind, timeMs, topic, clientId, auth, listener, qos, retain, payloadSha256, payloadSize, outcome }
    return { record, body }
  }
}
