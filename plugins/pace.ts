import { setImmediate as nextTurn } from 'node:timers/promises'

/** Lets other work happen between the slices of something long. */
export class Pace {
  readonly #sliceMs: number
  readonly #rest: () => Promise<void>
  #endMs: number

  /** @param sliceMs how long it may work without a rest */
  constructor(sliceMs: number, rest: () => Promise<void>) {
    this.#sliceMs = sliceMs
    this.#rest = rest
    this.#endMs = performance.now() + sliceMs
  }

  /** Whether it is time for {@link rest}. */
  get isTired(): boolean {
    return performance.now() >= this.#endMs
  }

  async rest(): Promise<void> {
    await this.#rest()
    this.#endMs = performance.now() + this.#sliceMs
  }
}

/** For somebody who waits for the answer: what is due meanwhile happens first. */
export function briskPace(): Pace {
  return new Pace(4, nextTurn)
}
