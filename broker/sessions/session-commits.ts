import { type AuditChain, afterEarlier, type Submission } from '../../plugins/index.ts'

/** Acknowledgements of subscribers are written this long after the first of them, unless a commit comes before. */
const lazyWriteMs = 100
/** What a change of ours weighs towards the size of a commit. */
const changeBytes = 64

/** How sessions get into the order of the chain, and onto the disk with it. */
export class SessionCommits {
  readonly #chain: AuditChain
  readonly #onError: (error: unknown) => void
  #lazyWrite: NodeJS.Timeout | undefined

  constructor(chain: AuditChain, onError: (error: unknown) => void) {
    this.#chain = chain
    this.#onError = onError
  }

  /** Does something in its place in the order. @param then when it is durable */
  change(decide: () => void, then: () => void = () => {}): void {
    this.#submit({
      bytes: changeBytes,
      decide: () => {
        decide()
        return undefined
      },
      settle: then,
    })
  }

  /** Calls back when everything written so far is durable; never when the chain fails before. */
  whenDurable(then: () => void): void {
    this.#submit(afterEarlier(then))
  }

  /** Something was written outside of a commit: there is one soon. */
  request(): void {
    if (this.#lazyWrite !== undefined) return
    this.#lazyWrite = setTimeout(() => {
      this.#lazyWrite = undefined
      // When the chain failed or is closed, what is not written now is redelivered.
      this.whenDurable(() => {})
    }, lazyWriteMs)
    this.#lazyWrite.unref()
  }

  /** A commit takes everything that was written: nothing is left to ask one for. */
  taken(): void {
    clearTimeout(this.#lazyWrite)
    this.#lazyWrite = undefined
  }

  /** What is not written yet is in the last commit. */
  stop(): void {
    this.taken()
    if (this.#chain.outage === undefined) this.whenDurable(() => {})
  }

  #submit(submission: Submission): void {
    try {
      this.#chain.submit(submission)
    } catch (error) {
      // The chain failed or is closed: a timer or a packet that comes then must not end the process.
      this.#onError(error)
    }
  }
}
