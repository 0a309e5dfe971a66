import type { Worker } from 'node:worker_threads'
import { KeySlots, packBatch, type VerificationJob } from './batch.ts'
import { Fifo } from './fifo.ts'

interface SentBatch<Job> {
  readonly jobs: readonly Job[]
  bytes: number
}

/** Keys that a thread keeps ready: making one costs more than a verification, keeping one about 6 KB. */
const maxKeys = 8192

export interface VerificationThreadEvents<Job> {
  /** @param verdicts one byte per job: 1 for a valid signature */
  readonly onVerdicts: (jobs: readonly Job[], verdicts: Uint8Array) => void
  /** The thread is no more; these jobs have no verdict. */
  readonly onEnd: (jobs: readonly Job[], cause: unknown) => void
}

/** A worker thread with the batches that are on their way to it. Holds the process open only while there are any. */
export class VerificationThread<Job extends VerificationJob> {
  readonly #worker: Worker
  readonly #slots = new KeySlots(maxKeys)
  readonly #sent = new Fifo<SentBatch<Job>>()
  #bytes = 0
  #failure: unknown

  constructor(worker: Worker, { onVerdicts, onEnd }: VerificationThreadEvents<Job>) {
    this.#worker = worker
    worker.on('message', (verdicts: Uint8Array) => {
      // The thread answers in the order it was asked.
      const batch = this.#sent.shift()
      if (batch === undefined) return
      this.#bytes -= batch.bytes
      if (this.#sent.length === 0) worker.unref()
      onVerdicts(batch.jobs, verdicts)
    })
    worker.on('error', (error) => {
      this.#failure = error
    })
    worker.on('exit', (exitCode) => onEnd(this.abandon(), this.#failure ?? new Error(`exit code ${exitCode}`)))
    worker.unref()
  }

  /** Batches without an answer. */
  get batches(): number {
    return this.#sent.length
  }

  /** Their size. */
  get bytes(): number {
    return this.#bytes
  }

  send(jobs: readonly Job[]): void {
    if (this.#sent.length === 0) this.#worker.ref()
    const batch: SentBatch<Job> = { jobs, bytes: 0 }
    this.#sent.push(batch)
    try {
      const packed = packBatch(jobs, this.#slots)
      batch.bytes = packed.byteLength
      this.#bytes += packed.byteLength
      this.#worker.postMessage(packed, [packed])
    } catch (error) {
      // No memory, most likely. Keys count as known to the thread that it did not get, so it must not go on; its end
      // gives back what it had.
      this.#failure = error
      this.terminate()
    }
  }

  /** The jobs that have no verdict; none of them will get one. */
  abandon(): Job[] {
    const jobs: Job[] = []
    for (let batch = this.#sent.shift(); batch !== undefined; batch = this.#sent.shift()) jobs.push(...batch.jobs)
    this.#bytes = 0
    return jobs
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }
}
