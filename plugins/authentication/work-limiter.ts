import { AuthenticationError } from './errors.ts'

interface Waiting {
  readonly start: () => void
  readonly reject: (error: AuthenticationError) => void
}

/** Runs so many at once, keeps so many waiting in their order, and refuses the rest. */
export class WorkLimiter {
  readonly #concurrency: number
  readonly #maxWaiting: number
  readonly #waiting: Waiting[] = []
  readonly #running = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(concurrency: number, maxWaiting: number) {
    this.#concurrency = concurrency
    this.#maxWaiting = maxWaiting
  }

  /** @throws {AuthenticationError} ERR_AUTHENTICATION_BUSY, ERR_AUTHENTICATION_CLOSED, or what `work` throws */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(closed())
    if (this.#running.size < this.#concurrency) return this.#start(work)
    if (this.#waiting.length >= this.#maxWaiting) {
      const message = `${this.#maxWaiting} logins wait for their password to be checked`
      return Promise.reject(new AuthenticationError('ERR_AUTHENTICATION_BUSY', message))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start: () => this.#start(work).then(resolve, reject), reject })
    })
  }

  /** Whoever waits is refused; what runs comes to its end first. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { reject } of this.#waiting.splice(0)) reject(closed())
    await Promise.allSettled(this.#running)
  }

  #start<T>(work: () => Promise<T>): Promise<T> {
    const running = work().finally(() => {
      this.#running.delete(running)
      this.#waiting.shift()?.start()
    })
    this.#running.add(running)
    return running
  }
}

const closed = () => new AuthenticationError('ERR_AUTHENTICATION_CLOSED', 'authentication is closed')
