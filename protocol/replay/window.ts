/** Sequence numbers below the highest accepted one that a key may still use, unless configured otherwise. */
export const defaultWindowSize = 1024

/** What is remembered of an accepted publish under its sequence number. */
export interface AcceptedSeq {
  readonly index: number
  /** SHA-256 of the Sig_structure. */
  readonly contentDigest: Uint8Array
  readonly qos: number
  readonly retain: boolean
}

/**
 * The replay window of one key: sequence numbers may arrive out of order within `size` of the highest one and are
 * accepted once each. Rebuilt from the chain, so it needs no store of its own.
 */
export class ReplayWindow {
  readonly size: number
  readonly #accepted = new Map<number, AcceptedSeq>()
  #highest = -1

  constructor(size = defaultWindowSize) {
    this.size = size
  }

  /** Highest accepted sequence number; -1 when none was. */
  get highest(): number {
    return this.#highest
  }

  /** True when the number lies below the window: nothing is known about it any more. */
  isTooOld(seq: number): boolean {
    return seq <= this.#highest - this.size
  }

  find(seq: number): AcceptedSeq | undefined {
    return this.isTooOld(seq) ? undefined : this.#accepted.get(seq)
  }

  accept(seq: number, accepted: AcceptedSeq): void {
    this.#accepted.set(seq, accepted)
    if (seq > this.#highest) this.#highest = seq
    // Entries that fell out are removed in bulk, so that an append costs constant time on average.
    if (this.#accepted.size > 2 * this.size) {
      for (const old of this.#accepted.keys()) if (this.isTooOld(old)) this.#accepted.delete(old)
    }
  }
}
