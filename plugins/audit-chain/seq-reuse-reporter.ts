import {
  decodeRecord,
  evidenceOf,
  parseSession,
  parseSign1,
  type RegisteredKey,
  type Requester,
  type Sign1,
  type SignedEvidence,
  seqReuseRecord,
  toHex,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { readEntry } from './read-block.ts'
import type { AuditStore } from './store.ts'
import { afterEarlier, type Submission } from './submission.ts'

/** A publish that was refused because its key had signed something else under the number; its signature was verified. */
export interface ObservedReuse {
  readonly signer: RegisteredKey
  readonly envelope: {
    readonly sign1: Sign1
    readonly payload: Uint8Array
    readonly seq: number
    readonly timeMs: number
  }
  /** Topic that the signature is over. */
  readonly topic: string
  /** SHA-256 of its Sig_structure. */
  readonly contentDigest: Uint8Array
  /** Index of the record that has the number. */
  readonly acceptedIndex: number
  /** Who sent it. */
  readonly requester: Requester
}

/** A `seq-reuse` record was written: the key is held twice, or its counter was set back. */
export interface SeqReuseAlarm {
  readonly kind: 'seq-reuse'
  /** Index of the seq-reuse record. */
  readonly index: number
  readonly acceptedIndex: number
  readonly thumbprint: Uint8Array
  /** Name of the key. */
  readonly name: string
  readonly seq: number
  readonly topic: string
  readonly requester: Requester
}

export interface SeqReuseReporterOptions {
  readonly store: AuditStore
  readonly submit: (submission: Submission) => void
  readonly onAlarm: (alarm: SeqReuseAlarm) => void
}

/** Reports at a time; each reads a block. One that finds no place is made when the number is used the next time. */
const maxConcurrent = 16

/** Brings both envelopes of a reused sequence number into the chain, once for each number of a key. */
export class SeqReuseReporter {
  readonly #options: SeqReuseReporterOptions
  /** Numbers whose report is being made. */
  readonly #running = new Set<string>()

  constructor(options: SeqReuseReporterOptions) {
    this.#options = options
  }

  /** Resolves when the record is durable, or none is to be made. @throws {PluginError} ERR_CHAIN_*, ERR_STORE_FAILED */
  async report(reuse: ObservedReuse): Promise<void> {
    const { signer, envelope } = reuse
    const identity = `${toHex(signer.thumbprint)} ${envelope.seq}`
    if (signer.window.isReuseReported(envelope.seq)) return
    if (this.#running.has(identity) || this.#running.size >= maxConcurrent) return
    this.#running.add(identity)
    try {
      // The accepted one may have been decided a moment ago.
      await new Promise<void>((resolve) => this.#options.submit(afterEarlier(resolve)))
      const accepted = await this.#readAccepted(reuse.acceptedIndex)
      if (accepted !== undefined) await this.#record(reuse, accepted)
    } finally {
      this.#running.delete(identity)
    }
  }

  /** @returns undefined when the record was erased: its number is too old then, and nothing is to be reported */
  async #readAccepted(index: number): Promise<SignedEvidence | undefined> {
    const entry = await readEntry(this.#options.store, index)
    if (entry !== undefined && entry.record === undefined) return undefined
    const record = entry && decodeRecord(entry.record)
    // A number may also have been taken by a key exchange, whose request is kept whole.
    const whole = record?.kind === 'session' ? parseSign1(parseSession(record).request) : undefined
    const sign1 = record?.envelope === undefined ? whole : parseSign1(record.envelope)
    const payload = entry?.body ?? whole?.payload
    if (record?.topic === undefined || sign1 === undefined) {
      throw new PluginError('ERR_CHAIN_DAMAGED', `record ${index} is not that of a signed publish`, { index })
    }
    return { topic: record.topic, sign1, payload }
  }

  #record(reuse: ObservedReuse, accepted: SignedEvidence): Promise<void> {
    const { signer, envelope, topic, contentDigest, acceptedIndex, requester } = reuse
    const { seq, timeMs: signedTimeMs, sign1, payload } = envelope
    const { thumbprint, name, window } = signer
    const event = {
      thumbprint,
      seq,
      signedTimeMs,
      contentDigest,
      acceptedIndex,
      acceptedTopic: accepted.topic,
      refusedTopic: topic,
      ...evidenceOf(accepted, { topic, sign1, payload }),
    }
    let alarm: SeqReuseAlarm | undefined
    return new Promise((resolve) => {
      this.#options.submit({
        bytes: 1024 + event.accepted.length + event.refused.length,
        decide: (index, decidedMs) => {
          // The number may have left the window meanwhile: then nobody can tell any more what was accepted under it.
          if (window.find(seq)?.index !== acceptedIndex || !window.reportReuse(seq)) return undefined
          alarm = { kind: 'seq-reuse', index, acceptedIndex, thumbprint, name, seq, topic, requester }
          return { record: seqReuseRecord(event, requester, decidedMs) }
        },
        settle: () => {
          if (alarm !== undefined) this.#options.onAlarm(alarm)
          resolve()
        },
      })
    })
  }
}
