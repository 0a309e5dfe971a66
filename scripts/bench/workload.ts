import { randomBytes } from 'node:crypto'
import { writeMark } from './delivery-check.ts'
import { createSigner } from './envelope.ts'
import { encodePublish } from './mqtt-packets.ts'

export type WorkloadName = 'unsigned' | 'signed'

/** The shape of the load in design section 10; not an option, or numbers of two runs could not be laid side by side. */
export const load = { publishers: 4, payloadBytes: 200, window: 100, batch: 10 } as const

/** One measurement, as the main process sends it to the load generator. */
export interface LoadJob {
  workload: WorkloadName
  host: string
  port: number
  /** Marks the payloads, so that a late delivery of an earlier run is noticed. */
  runId: number
  publishers: number
  messagesPerPublisher: number
  payloadBytes: number
  /** Most unacknowledged messages per publisher. */
  window: number
  /** Fewest messages written at once, but for the last: with 1 the generator, not Mosquitto, was the limit. */
  batch: number
  /** Without any progress for so long, what is missing counts as lost. */
  quietMs: number
  /** The run ends after this time in any case. */
  deadlineMs: number
  /** Process whose CPU time is read around the measurement. */
  brokerPid?: number
  /** One PKCS #8 PEM per publisher, and the sequence number of each one's first message. */
  signing?: { privateKeys: string[]; firstSeq: number }
}

/** Below this, sequence numbers take fewer CBOR bytes and the payload would not stay at one offset. */
export const firstSignedSeq = 0x10000

export interface PreparedWorkload {
  topicFilter: string
  /** Per publisher: its PUBLISH packets one after the other, all of `packetBytes` bytes. */
  streams: { packets: Buffer; packetBytes: number }[]
  messageBytes: number
  payloadOffset: number
}

/** Packet identifiers run 1..65535 and around; a window of at most 65,535 keeps those in flight apart. */
export function packetIdOf(index: number): number {
  return (index % 0xffff) + 1
}

/** Encodes and signs everything before the clock starts. */
export function prepareWorkload(job: LoadJob): PreparedWorkload {
  const filler = randomBytes(job.payloadBytes)
  const timeMs = Date.now()
  let messageBytes = job.payloadBytes
  let payloadOffset = 0
  const streams = Array.from({ length: job.publishers }, (_, publisher) => {
    const topicName = `bench/${job.workload}/${publisher}`
    const wrap = wrapper(job, publisher, topicName, timeMs)
    payloadOffset = wrap.payloadOffset
    let packets = Buffer.alloc(0)
    let packetBytes = 0
    for (let index = 0; index < job.messagesPerPublisher; index++) {
      writeMark(filler, job.runId, publisher, index)
      const message = wrap.message(filler, index)
      const packet = encodePublish(packetIdOf(index), topicName, message)
      if (index === 0) {
        messageBytes = message.length
        packetBytes = packet.length
        packets = Buffer.allocUnsafe(packetBytes * job.messagesPerPublisher)
      } else if (packet.length !== packetBytes) {
        throw new Error(`packet ${index} has ${packet.length} bytes instead of ${packetBytes}`)
      }
      packet.copy(packets, index * packetBytes)
    }
    return { packets, packetBytes }
  })
  return { topicFilter: `bench/${job.workload}/#`, streams, messageBytes, payloadOffset }
}

interface Wrapper {
  payloadOffset: number
  message: (payload: Buffer, index: number) => Buffer
}

function wrapper(job: LoadJob, publisher: number, topicName: string, timeMs: number): Wrapper {
  if (job.workload === 'unsigned') return { payloadOffset: 0, message: (payload) => payload }
  const privateKey = job.signing?.privateKeys[publisher]
  const firstSeq = job.signing?.firstSeq ?? 0
  if (privateKey === undefined) throw new Error(`publisher ${publisher} has no key`)
  if (firstSeq < firstSignedSeq || firstSeq + job.messagesPerPublisher > 0xffffffff) {
    throw new RangeError('sequence numbers must take 32 bits, so that the payload stays at one offset')
  }
  const signer = createSigner(privateKey, topicName)
  return {
    payloadOffset: signer.payloadOffset(job.payloadBytes, firstSeq, timeMs),
    message: (payload, index) => signer.envelope(payload, firstSeq + index, timeMs),
  }
}
