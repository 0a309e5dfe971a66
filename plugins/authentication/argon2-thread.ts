import type { Worker } from 'node:worker_threads'
import { startWorker } from '../start-worker.ts'
import type { Argon2Answer, Argon2Request } from './argon2-worker.ts'
import { AuthenticationError } from './errors.ts'

interface Waiting {
  readonly resolve: (hash: Uint8Array) => void
  readonly reject: (error: AuthenticationError) => void
}

/** One worker thread for argon2id, started at first use. It keeps the process alive only while somebody waits. */
export class Argon2Thread {
  #worker: Worker | undefined
  #nextId = 0
  readonly #waiting = new Map<number, Waiting>()
  #isClosed = false

  /** @throws {AuthenticationError} ERR_AUTHENTICATION_CLOSED, ERR_AUTHENTICATION_FAILED */
  derive(password: Uint8Array, salt: Uint8Array, cost: Argon2Request['cost']): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(closed())
        return
      }
      this.#worker ??= this.#start()
      const id = this.#nextId++
      this.#waiting.set(id, { resolve, reject })
      this.#worker.ref()
      this.#worker.postMessage({ id, password, salt, cost } satisfies Argon2Request)
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    this.#end(closed())
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = startWorker('argon2-worker', import.meta.url)
    let failure: unknown
    worker.on('message', ({ id, hash }: Argon2Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) worker.unref()
      waiting?.resolve(hash)
    })
    worker.on('error', (error) => {
      failure = error
    })
    worker.on('exit', () => {
      if (worker !== this.#worker) return
      this.#end(new AuthenticationError('ERR_AUTHENTICATION_FAILED', 'the argon2id thread ended', {}, failure))
    })
    return worker
  }

  #end(error: AuthenticationError): void {
    this.#worker = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
  }
}

const closed = () => new AuthenticationError('ERR_AUTHENTICATION_CLOSED', 'authentication is closed')
