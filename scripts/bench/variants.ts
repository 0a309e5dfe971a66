import { generateKeyPairSync } from 'node:crypto'
import type { LoadGenerator } from './load-generator.ts'
import { host, type Peer, type PeerName } from './peers/peer.ts'
import { machineCpu, stolenShare } from './process-cpu.ts'
import { type LoadOutcome, whyNoResult } from './run-load.ts'
import { measureVerifyLimit } from './verify-limit.ts'
import { firstSignedSeq, load, type WorkloadName } from './workload.ts'

export interface LoadSample {
  acknowledgedPerSecond: number
  deliveredPerSecond: number
  brokerCpuSeconds?: number
  generatorCpuSeconds: number
  /** CPU time of the load generator by elapsed time: near 1, its limit was measured and not the broker's. */
  generatorBusy: number
  stolenShare?: number
}

/** One line of the report. A variant with `noResult` gets no figures, whatever its other rounds said. */
export interface LoadVariant {
  kind: 'load'
  workload: WorkloadName
  peer: PeerName
  note: string
  messages: number
  samples: LoadSample[]
  notInstalled: boolean
  noResult?: string
}

export interface LimitSample {
  verifiesPerSecond: number
  stolenShare?: number
}

export interface LimitVariant {
  kind: 'limit'
  method: string
  samples: LimitSample[]
  noResult?: string
}

export type Variant = LoadVariant | LimitVariant

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

/** Runs one variant once and enters the sample, or why there is none. */
export class VariantRunner {
  readonly #generator: LoadGenerator
  readonly #privateKeys: string[]
  #runId = 0
  #nextSeq = firstSignedSeq

  constructor(generator: LoadGenerator, keys: PublisherKey[]) {
    this.#generator = generator
    this.#privateKeys = keys.map((key) => key.privateKey)
  }

  async run(variant: Variant, peers: Map<PeerName, Peer>, keep: boolean): Promise<string> {
    try {
      return variant.kind === 'limit' ? await this.#runLimit(variant, keep) : await this.#runLoad(variant, peers, keep)
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

  async #runLoad(variant: LoadVariant, peers: Map<PeerName, Peer>, keep: boolean): Promise<string> {
    const peer = peers.get(variant.peer)
    if (peer === undefined) throw new Error('not started')
    const messagesPerPublisher = variant.messages / load.publishers
    const firstSeq = this.#nextSeq
    if (variant.workload === 'signed') this.#nextSeq += messagesPerPublisher
    const outcome = await this.#generator.run({
      ...load,
      workload: variant.workload,
      host,
      port: peer.port,
      runId: ++this.#runId,
      messagesPerPublisher,
      quietMs: 5000,
      // 200 messages a second is far below anything worth a table.
      deadlineMs: 30_000 + variant.messages * 5,
      brokerPid: peer.pid,
      ...(variant.workload === 'signed' ? { signing: { privateKeys: this.#privateKeys, firstSeq } } : {}),
    })
    const problem = whyNoResult(outcome) ?? peer.exited()
    if (problem !== undefined) throw new Error(problem)
    const sample = toSample(outcome)
    if (keep) variant.samples.push(sample)
    return `${Math.round(sample.acknowledgedPerSecond)} acked/s, ${Math.round(sample.deliveredPerSecond)} delivered/s`
  }
}

function toSample(outcome: LoadOutcome): LoadSample {
  return {
    acknowledgedPerSecond: outcome.messages / outcome.ackSeconds,
    deliveredPerSecond: outcome.messages / outcome.deliverySeconds,
    ...(outcome.brokerCpuSeconds === undefined ? {} : { brokerCpuSeconds: outcome.brokerCpuSeconds }),
    ...(outcome.stolenShare === undefined ? {} : { stolenShare: outcome.stolenShare }),
    generatorCpuSeconds: outcome.generatorCpuSeconds,
    generatorBusy: outcome.generatorCpuSeconds / Math.max(outcome.ackSeconds, outcome.deliverySeconds),
  }
}
