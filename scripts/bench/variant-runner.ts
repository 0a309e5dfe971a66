import { generateKeyPairSync } from 'node:crypto'
import { formatFigure } from './format.ts'
import type { Job, JobBase, LoadJob, Measured, Publishing, Signing } from './jobs.ts'
import type { LoadGenerator } from './load-generator.ts'
import { host, type Peer } from './peers/peer.ts'
import type { PeerPool } from './peers/peer-pool.ts'
import { machineCpu, stolenShare } from './process-usage.ts'
import { rowOf } from './rows.ts'
import type { LimitVariant, RowVariant, Variant } from './variants.ts'
import { measureVerifyLimit } from './verify-limit.ts'
import { firstSignedSeq, load } from './workload.ts'

export interface PublisherKey {
  publicKey: string
  privateKey: string
}

/** One key per publisher: a sequence number belongs to a key, and four publishers must not race for one window. */
export function makePublisherKeys(): PublisherKey[] {
  return Array.from({ length: load.publishers }, () =>
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    }),
  )
}

const quietMs = 10_000
/** 200 messages a second is far below anything worth a table. */
const deadlineMs = (size: number) => 30_000 + size * 5
/** Below one and a half times the keep alive: these clients send no PINGREQ. */
const idle = { deadlineMs: 60_000, keepAliveSeconds: 60 } as const

/** Runs one variant once and enters the sample, or why there is none. */
export class VariantRunner {
  readonly #generator: Pick<LoadGenerator, 'run'>
  readonly #pool: PeerPool
  readonly #privateKeys: string[]
  readonly #directory: string
  /** The mark of the retained messages that a broker process holds. */
  readonly #retained = new WeakMap<Peer, number>()
  #runId = 0
  #nextSeq = firstSignedSeq

  /** @param directory for chains without a broker */
  constructor(generator: Pick<LoadGenerator, 'run'>, pool: PeerPool, keys: PublisherKey[], directory: string) {
    this.#directory = directory
    this.#generator = generator
    this.#pool = pool
    this.#privateKeys = keys.map((key) => key.privateKey)
  }

  /** Returns what happened, for the progress line. A sample that is not kept still counts when it fails. */
  async run(variant: Variant, keep: boolean): Promise<string> {
    try {
      return variant.kind === 'limit' ? await this.#runLimit(variant, keep) : await this.#runRow(variant, keep)
    } catch (error) {
      variant.noResult = error instanceof Error ? error.message : String(error)
      return `no result: ${variant.noResult}`
    }
  }

  async #runLimit(variant: LimitVariant, keep: boolean): Promise<string> {
    // Nothing here gets faster by warming up.
    if (!keep) return 'skipped'
    const before = machineCpu()
    const { verifiesPerSecond, method } = await measureVerifyLimit()
    const stolen = stolenShare(before, machineCpu())
    variant.method = method
    variant.samples.push({ verifiesPerSecond, ...(stolen === undefined ? {} : { stolenShare: stolen }) })
    return `${Math.round(verifiesPerSecond)} verifications/s`
  }

  async #runRow(variant: RowVariant, keep: boolean): Promise<string> {
    const { instance, figures: definitions } = rowOf(variant.row)
    const peer = await this.#pool.get(variant.peer, instance)
    const job = this.#jobOf(variant, peer)
    let measured: Measured
    try {
      measured = await this.#generator.run(job)
    } catch (error) {
      const exited = await this.#replace(variant, peer)
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(exited === undefined ? reason : `the broker ${exited}: ${reason}`)
    }
    if (measured.problem !== undefined || peer.exited() !== undefined) {
      const exited = await this.#replace(variant, peer)
      throw new Error([exited && `the broker ${exited}`, measured.problem].filter(Boolean).join(': '))
    }
    if (job.kind === 'retained') this.#retained.set(peer, job.runId)
    if (instance === 'idle') await this.#pool.discard(variant.peer, instance)
    const { figures, cost } = measured
    if (keep) variant.samples.push({ figures, ...cost })
    return definitions.map(({ name, label, unit }) => `${formatFigure(figures[name], unit)} ${label}`).join('; ')
  }

  /** After a failure the other rows get a new broker process: what this one is left with would be measured too. */
  async #replace(variant: RowVariant, peer: Peer): Promise<string | undefined> {
    const exited = peer.exited()
    await this.#pool.discard(variant.peer, rowOf(variant.row).instance)
    return exited
  }

  #jobOf({ row, size }: RowVariant, peer: Peer): Job {
    const runId = ++this.#runId
    const { port, pid } = peer
    const base: JobBase = { host, port, runId, quietMs, deadlineMs: deadlineMs(size), brokerPid: pid }
    const { payloadBytes } = load
    const publishing: Publishing = {
      topicPrefix: `bench/${row}`,
      publishers: load.publishers,
      messagesPerPublisher: size / load.publishers,
      payloadBytes,
      window: load.window,
      batch: load.batch,
    }
    const online = {
      kind: 'load',
      ...base,
      ...publishing,
      subscribers: 1,
      subscriberQos: 0,
      persistent: false,
    } as const
    switch (row) {
      case 'clean':
        return online
      case 'clean-q1':
        return { ...online, subscriberQos: 1 }
      case 'persistent':
        return { ...online, subscriberQos: 1, persistent: true }
      case 'fanout':
        return { ...online, subscribers: load.fanoutSubscribers }
      case 'signed':
        return { ...online, signing: this.#signing(publishing.messagesPerPublisher) }
      case 'forged':
        return { kind: 'forged', ...base, ...publishing, signing: this.#signing(1) }
      case 'flooded':
        return this.#floodedJob(online)
      case 'offline':
        return { kind: 'queue', ...base, ...publishing, phase: 'queueing' }
      case 'drain':
        return { kind: 'queue', ...base, ...publishing, phase: 'drain' }
      case 'retained':
        return this.#retainedJob(peer, base, size)
      case 'latency':
        return { kind: 'latency', ...base, messages: size, payloadBytes }
      case 'idle':
        return { kind: 'idle', ...base, ...idle, connections: size }
      case 'append':
        return { kind: 'append', ...base, directory: this.#directory, records: size, perCommit: load.perCommit }
      case 'verify':
        return { kind: 'verify', ...base, directory: this.#directory, records: size, perCommit: load.perVerifiedCommit }
    }
  }

  /** A broker process gets the topics once; later rounds find them by the mark they were set with. */
  #retainedJob(peer: Peer, base: JobBase, topics: number): Job {
    const held = this.#retained.get(peer)
    const runId = held ?? base.runId
    return { kind: 'retained', ...base, runId, topics, payloadBytes: load.payloadBytes, set: held === undefined }
  }

  /** The flood takes one sequence number of the first publisher's key for its session, before those of the messages. */
  #floodedJob(online: LoadJob): LoadJob {
    const { privateKeys, firstSeq: seq } = this.#signing(1)
    const [privateKey = ''] = privateKeys
    const signing = this.#signing(online.messagesPerPublisher)
    return { ...online, signing, flood: { topicName: 'bench/forged/flood', privateKey, seq } }
  }

  #signing(messagesPerPublisher: number): Signing {
    const firstSeq = this.#nextSeq
    this.#nextSeq += messagesPerPublisher
    return { privateKeys: this.#privateKeys, firstSeq }
  }
}
