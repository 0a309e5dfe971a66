import type { KeyStore } from '../key-store/key-store.ts'

/** Most numbers taken from the store at a time: what the end of a process may leave unused. */
const largestBlock = 256

/**
 * Sequence numbers of one key, in the order in which they are asked for. Taken from the store in blocks that double, so
 * that who sends one message uses up one number, and who sends thousands does not wait for the disk each time.
 */
export class SequenceNumbers {
  readonly #store: KeyStore
  readonly #thumbprint: Uint8Array
  #next = 0
  /** The first number that is not ours any more. */
  #end = 0
  #block = 1
  /** One after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: KeyStore, thumbprint: Uint8Array) {
    this.#store = store
    this.#thumbprint = thumbprint
  }

  /** @throws {ClientError} what the store throws */
  take(): Promise<number> {
    return this.#inTurn(async () => {
      if (this.#next === this.#end) {
        this.#next = await this.#store.reserveSequenceNumbers(this.#thumbprint, this.#block)
        this.#end = this.#next + this.#block
        this.#block = Math.min(this.#block * 2, largestBlock)
      }
      return this.#next++
    })
  }

  /** Goes on above a number that the broker has accepted already, in the store too. */
  raiseAbove(highest: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#store.raiseSequenceNumber(this.#thumbprint, highest + 1)
      this.#next = Math.min(Math.max(this.#next, highest + 1), this.#end)
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    // Whoever asked is told; the next one tries again.
    this.#turn = result.catch(() => undefined)
    return result
  }
}
