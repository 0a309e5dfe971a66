import { randomBytes } from 'node:crypto'
import { writeMark } from './delivery-check.ts'
import { createSigner } from './envelope.ts'
import type { Publishing, RetainedJob } from './jobs.ts'
import { encodePublish, encodeRetained } from './mqtt-packets.ts'

/** The shape of the load in design section 10; not an option, or numbers of two runs could not be laid side by side. */
export const load = {
  publishers: 4,
  payloadBytes: 200,
  window: 100,
  batch: 10,
  fanoutSubscribers: 25,
  perCommit: 100,
  perVerifiedCommit: 300,
} as const

/** Below this, sequence numbers take fewer CBOR bytes and the payload would not stay at one offset. */
export const firstSignedSeq = 0x10000

/** PUBLISH packets one after the other, all of the same size. */
export interface Stream {
  packets: Buffer
  packetBytes: number
  count: number
}

export interface PreparedWorkload {
  topicFilter: string
  /** One per publisher. */
  streams: Stream[]
  messageBytes: number
  payloadOffset: number
}

/** Packet identifiers run 1..65535 and around; a window of at most 65,535 keeps those in flight apart. */
export function packetIdOf(index: number): number {
  return (index % 0xffff) + 1
}

function encodeStream(count: number, packetAt: (index: number) => Buffer): Stream {
  const first = packetAt(0)
  const packets = Buffer.allocUnsafe(first.length * count)
  first.copy(packets)
  for (let index = 1; index < count; index++) {
    const packet = packetAt(index)
    if (packet.length !== first.length) {
      throw new RangeError(`packet ${index} has ${packet.length} bytes instead of ${first.length}`)
    }
    packet.copy(packets, index * first.length)
  }
  return { packets, packetBytes: first.length, count }
}

/** Encodes and signs everything before the clock starts. */
export function prepareWorkload(job: Publishing & { runId: number }): PreparedWorkload {
  const filler = randomBytes(job.payloadBytes)
  const timeMs = Date.now()
  let messageBytes = job.payloadBytes
  let payloadOffset = 0
  const streams = Array.from({ length: job.publishers }, (_, publisher) => {
    const topicName = `${job.topicPrefix}/${publisher}`
    const wrap = wrapper(job, publisher, topicName, timeMs)
    payloadOffset = wrap.payloadOffset
    return encodeStream(job.messagesPerPublisher, (index) => {
      writeMark(filler, job.runId, publisher, index)
      const message = wrap.message(filler, index)
      messageBytes = message.length
      return encodePublish(packetIdOf(index), topicName, message)
    })
  })
  return { topicFilter: `${job.topicPrefix}/#`, streams, messageBytes, payloadOffset }
}

interface Wrapper {
  payloadOffset: number
  message: (payload: Buffer, index: number) => Buffer
}

function wrapper({ signing, ...job }: Publishing, publisher: number, topicName: string, timeMs: number): Wrapper {
  if (signing === undefined) return { payloadOffset: 0, message: (payload) => payload }
  const { privateKeys, firstSeq } = signing
  const privateKey = privateKeys[publisher]
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

/** The retained topics lie in so many groups: a wildcard for one of them hits one topic in a hundred. */
export const retainedGroups = 100

const digits = (value: number) => `${value}`.padStart(6, '0')

/** Group before number, both of fixed width: the packets stay of one size. */
export function retainedTopic(topics: number, index: number): string {
  return `bench/retained/${digits(Math.floor(index / (topics / retainedGroups)))}/${digits(index)}`
}

/** So many retained messages go ahead of each acknowledged one. */
const retainedAtOnce = 100

/**
 * The topics as retained messages, dealt out to publishers; each message's mark has its topic as its publisher. They are
 * QoS 0, so that no broker has to lower them for the QoS 0 SUBSCRIBE that is measured (engine.md: one does not); what
 * paces and confirms them is one QoS 1 message, to a topic of no interest, after each hundred. Those are the stream.
 */
export function prepareRetained(job: Pick<RetainedJob, 'topics' | 'payloadBytes' | 'runId'>): Stream[] {
  const filler = randomBytes(job.payloadBytes)
  const share = job.topics / load.publishers
  return Array.from({ length: load.publishers }, (_, publisher) =>
    encodeStream(share / retainedAtOnce, (index) => {
      const packets = Array.from({ length: retainedAtOnce }, (_, n) => {
        const topic = publisher * share + index * retainedAtOnce + n
        writeMark(filler, job.runId, topic, 0)
        return encodeRetained(retainedTopic(job.topics, topic), filler)
      })
      return Buffer.concat([...packets, encodePublish(packetIdOf(index), 'bench/pace', Buffer.alloc(1))])
    }),
  )
}
