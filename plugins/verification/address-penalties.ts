export interface AddressPenaltiesOptions {
  /** Delay after the first offence; each further one doubles it. Default 1000. */
  readonly firstMs?: number
  /** Longest delay. Default 60,000. */
  readonly mostMs?: number
  /** Without an offence for so long, one of them is forgotten; and so on. Default 60,000. */
  readonly forgetMs?: number
  /** Addresses remembered; beyond that the one whose last offence is the oldest is let off. Default 10,000. */
  readonly mostAddresses?: number
  /** A clock in milliseconds that does not go back. */
  readonly now?: () => number
}

interface Offences {
  /** At `lastMs`. */
  readonly count: number
  readonly lastMs: number
}

/**
 * Addresses whose connections were closed for too many failed verifications, and how long each waits until a new
 * connection of it is accepted. An address is named by what its owner cannot vary, as `addressKey` of the listeners does.
 */
export class AddressPenalties {
  readonly #firstMs: number
  readonly #mostMs: number
  readonly #forgetMs: number
  /** Offences from which on the delay grows no more; further ones are not counted, so that none lasts for ever. */
  readonly #mostOffences: number
  readonly #mostAddresses: number
  readonly #now: () => number
  /** The oldest last offence first. */
  readonly #offences = new Map<string, Offences>()

  constructor(options: AddressPenaltiesOptions = {}) {
    this.#firstMs = options.firstMs ?? 1000
    this.#mostMs = options.mostMs ?? 60_000
    this.#forgetMs = options.forgetMs ?? 60_000
    this.#mostOffences = 1 + Math.ceil(Math.log2(this.#mostMs / this.#firstMs))
    this.#mostAddresses = options.mostAddresses ?? 10_000
    this.#now = options.now ?? (() => performance.now())
  }

  /** Addresses remembered. */
  get size(): number {
    return this.#offences.size
  }

  /** A connection of this address was closed for too many failed verifications. */
  penalise(addressKey: string): void {
    const nowMs = this.#now()
    const before = this.#remembered(this.#offences.get(addressKey), nowMs)
    const count = Math.min(this.#mostOffences, before + 1)
    // Deleted first, so that it moves to the end.
    this.#offences.delete(addressKey)
    this.#offences.set(addressKey, { count, lastMs: nowMs })
    this.#evict(nowMs)
  }

  /** How long from now no connection of this address is to be accepted, in milliseconds; 0 for an address in good standing. */
  delayOf(addressKey: string): number {
    const offences = this.#offences.get(addressKey)
    if (offences === undefined) return 0
    const nowMs = this.#now()
    if (this.#remembered(offences, nowMs) === 0) {
      this.#offences.delete(addressKey)
      return 0
    }
    const delayMs = Math.min(this.#mostMs, this.#firstMs * 2 ** (offences.count - 1))
    return Math.max(0, offences.lastMs + delayMs - nowMs)
  }

  /** Offences that are not forgotten yet. */
  #remembered(offences: Offences | undefined, nowMs: number): number {
    if (offences === undefined) return 0
    return Math.max(0, offences.count - Math.floor((nowMs - offences.lastMs) / this.#forgetMs))
  }

  #evict(nowMs: number): void {
    for (const [addressKey, offences] of this.#offences) {
      const isForgotten = this.#remembered(offences, nowMs) === 0
      if (!isForgotten && this.#offences.size <= this.#mostAddresses) return
      this.#offences.delete(addressKey)
    }
  }
}
