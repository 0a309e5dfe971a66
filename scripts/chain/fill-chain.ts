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

/**
 * Appends publishes as the gate would: while one group is being synced, the next one waits. Their digests are
 * computed before, as the gate has them. Resolves when all are durable.
 */
export async function fillChain(chain: AuditChain, options: FillOptions): Promise<void> {
  const { records, perCommit, onDurable, decide = decisions() } = options
  let submitted = 0
  let durable = 0
  await new Promise<void>((resolve, reject) => {
    chain.failed.then(reject)
    const submitGroup = () => {
      const count = Math.min(perCommit, records - submitted)
      submitted += count
      for (let left = count; left > 0; left--) {
        // The last one of a group speaks for all of it.
        const settle = left > 1 ? () => {} : () => settled(count)
        chain.submit({ bytes: recordAndBodyBytes, decide, settle })
      }
    }
    const settled = (count: number) => {
      durable += count
      onDurable?.(durable)
      if (durable === records) resolve()
      else if (submitted < records) submitGroup()
    }
    submitGroup()
    // The second group is submitted when the first is on its way to the disk, so that they do not become one.
    setImmediate(() => setImmediate(() => submitted < records && submitGroup()))
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
