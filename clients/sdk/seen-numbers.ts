import type { Verified } from './incoming-message.ts'

/** How far below the highest number repetitions are told from late ones: that of the broker's largest window. */
const window = 65_536

/** Which numbers of one key came by. */
export class SeenNumbers {
  #highest: number | undefined
  /** Those in the window. */
  readonly #seen = new Set<number>()

  /** Takes note of a number. @returns what is known of it by those before */
  take(seq: number): Pick<Verified, 'repeated' | 'late' | 'missing'> {
    const highest = this.#highest ?? seq
    const isFirst = this.#highest === undefined
    const repeated = this.#seen.has(seq)
    const late = seq < highest
    if (seq > highest - window) this.#seen.add(seq)
    if (!late) {
      this.#highest = seq
      this.#forget(highest, seq)
    }
    return { repeated, late, missing: isFirst || seq <= highest ? 0 : seq - highest - 1 }
  }

  /** A jump over the whole window leaves nothing of it. */
  #forget(before: number, now: number): void {
    if (now - before < window) {
      for (let seq = before - window + 1; seq <= now - window; seq++) this.#seen.delete(seq)
      return
    }
    this.#seen.clear()
    this.#seen.add(now)
  }
}
