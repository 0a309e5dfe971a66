/** Most that are worked on at a time; beyond, whoever brings more has to wait. */
const window = 256

/** Does work on many things at a time and hands the results on in the order in which the things came. */
export class InOrder {
  #pending = 0
  #tail: Promise<unknown>
  #isHeld = true
  #whenRoom: (() => void)[] = []

  /** @param released nothing is handed on before */
  constructor(released: Promise<void>) {
    this.#tail = released.then(() => {
      this.#isHeld = false
    })
  }

  /** @param deliver may throw: that is reported as uncaught, and the next ones come all the same */
  push<T>(work: Promise<T>, deliver: (result: T) => void): void {
    this.#pending++
    const before = this.#tail
    this.#tail = (async () => {
      try {
        const [result] = await Promise.all([work, before])
        deliver(result)
      } catch (error) {
        setTimeout(() => {
          throw error
        })
      } finally {
        this.#pending--
        if (this.#pending < window) for (const resolve of this.#whenRoom.splice(0)) resolve()
      }
    })()
  }

  /** Resolves when there is room for more. Before the release nothing is held back: the answers it waits for come here too. */
  async room(): Promise<void> {
    if (this.#pending < window || this.#isHeld) return
    await new Promise<void>((resolve) => this.#whenRoom.push(resolve))
  }
}
