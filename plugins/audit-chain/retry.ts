import { setTimeout as wait } from 'node:timers/promises'

const firstWaitMs = 100
const longestWaitMs = 10_000

/** Tries until it succeeds or is given up, waiting longer and longer in between. @throws what `onError` throws */
export async function retryUntilDone(options: {
  readonly attempt: () => Promise<void>
  readonly onError: (error: unknown) => void
  readonly isGivenUp: () => boolean
}): Promise<void> {
  for (let waitMs = firstWaitMs; !options.isGivenUp(); waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    try {
      await options.attempt()
      return
    } catch (error) {
      options.onError(error)
    }
    // A process that ends does not wait for this.
    await wait(waitMs, undefined, { ref: false })
  }
}
