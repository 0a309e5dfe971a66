import type { Worker } from 'node:worker_threads'
import type { InspectedBlock } from '../../protocol/index.ts'
import type { StoredBlock } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { startWorker } from '../start-worker.ts'
import {
  BlockInspector,
  type InspectionAnswer,
  type InspectionRequest,
  inOneBuffer,
  type PublisherKey,
} from './inspection-batch.ts'

/** What inspectors are told of the chain so far. */
export interface KnownKeys {
  /** In an order that later ones only add to. */
  readonly publishers: readonly PublisherKey[]
  readonly brokerKey: InspectionRequest['brokerKey']
}

interface Waiting {
  readonly request: InspectionRequest
  readonly resolve: (inspected: readonly InspectedBlock[]) => void
  readonly reject: (error: unknown) => void
}

/** Somebody who looks at blocks, and the keys that were told to them. */
class Briefed {
  #keysTold = 0

  /** What to send along: keys that are new since the last request. */
  brief(blocks: readonly StoredBlock[], { publishers, brokerKey }: KnownKeys, signaturesFrom: number) {
    const newKeys = publishers.slice(this.#keysTold).map(({ thumbprint, key }) => {
      // Copies: the originals are views of whole records.
      return { thumbprint: thumbprint.slice(), key: { x: key.x.slice(), y: key.y.slice() } }
    })
    this.#keysTold = publishers.length
    return { blocks, newKeys, brokerKey, signaturesFrom }
  }
}

/** A thread with what is on its way to it. It answers in the order it was asked. */
class InspectionThread {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  readonly #briefed = new Briefed()
  /** Came back; no more than were ever on their way at once. */
  readonly #spare: ArrayBuffer[] = []
  #isOver = false

  constructor() {
    this.#worker = startWorker('inspection-worker', import.meta.url)
    this.#worker.on('message', ({ inspected, buffer }: InspectionAnswer) => {
      this.#spare.push(buffer)
      this.#waiting.shift()?.resolve(inspected)
    })
    // What ends a thread, such as a lack of memory, is met again where its blocks are looked at then.
    this.#worker.on('error', () => this.#end())
    this.#worker.on('exit', () => this.#end())
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get load(): number {
    return this.#waiting.length
  }

  inspect(
    blocks: readonly StoredBlock[],
    known: KnownKeys,
    signaturesFrom: number,
  ): Promise<readonly InspectedBlock[]> {
    const request = this.#briefed.brief(blocks, known, signaturesFrom)
    const { blocks: moved, buffer } = inOneBuffer(blocks, this.#spare.pop())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject })
      this.#worker.postMessage({ ...request, blocks: moved, buffer }, [buffer])
    })
  }

  /** What is on its way is wanted by nobody any more. */
  async terminate(): Promise<void> {
    const error = new PluginError('ERR_VERIFY_STOPPED', 'the verification was stopped')
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    await this.#worker.terminate()
  }

  #end(): void {
    this.#isOver = true
    for (const { request, resolve, reject } of this.#waiting.splice(0)) {
      new BlockInspector(nativeCrypto).inspect(request).then(resolve, reject)
    }
  }
}

/** Blocks are looked at in this thread up to this many bytes: most chains of tests and new brokers are no longer. */
const aloneBytes = 1024 * 1024

/**
 * Looks at blocks by themselves, in worker threads when there are many.
 * Results come in whatever order; at most {@link width} requests should be on their way.
 */
export class Inspectors {
  readonly #threadCount: number
  readonly #signaturesFrom: number
  readonly #alone = new BlockInspector(nativeCrypto)
  readonly #briefed = new Briefed()
  #aloneLeft = aloneBytes
  #threads: InspectionThread[] | undefined

  constructor(threadCount: number, signaturesFrom: number) {
    this.#threadCount = threadCount
    this.#signaturesFrom = signaturesFrom
  }

  /** Requests that keep everybody busy. */
  get width(): number {
    return Math.max(1, 2 * (this.#threads?.length ?? 0))
  }

  /** Bytes of blocks to ask for at a time. Small while this thread does it, which may be one that serves clients. */
  get batchBytes(): number {
    return this.#aloneLeft > 0 ? 64 * 1024 : 256 * 1024
  }

  inspect(blocks: readonly StoredBlock[], known: KnownKeys): Promise<readonly InspectedBlock[]> {
    for (const { encoded } of blocks) this.#aloneLeft -= encoded.length
    if (this.#aloneLeft <= 0) {
      this.#threads ??= Array.from({ length: this.#threadCount }, () => new InspectionThread())
      this.#threads = this.#threads.filter(({ isOver }) => !isOver)
      const [thread] = [...this.#threads].sort((a, b) => a.load - b.load)
      if (thread !== undefined) return thread.inspect(blocks, known, this.#signaturesFrom)
    }
    return this.#alone.inspect(this.#briefed.brief(blocks, known, this.#signaturesFrom))
  }

  async close(): Promise<void> {
    await Promise.all((this.#threads ?? []).map((thread) => thread.terminate()))
  }
}
