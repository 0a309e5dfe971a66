/** Which of several addresses comes next. */
export class AddressCycle<Address> {
  readonly #addresses: readonly [Address, ...Address[]]
  readonly #isRoundRobin: boolean
  #at = 0

  /** @param isRoundRobin false: the first is the one to be at, the others stand in for it */
  constructor(addresses: readonly [Address, ...Address[]], isRoundRobin: boolean) {
    this.#addresses = addresses
    this.#isRoundRobin = isRoundRobin
  }

  get current(): Address {
    return this.#addresses[this.#at] ?? this.#addresses[0]
  }

  get first(): Address {
    return this.#addresses[0]
  }

  /** The current one only stands in for the first. */
  get isStandIn(): boolean {
    return this.#at > 0 && !this.#isRoundRobin
  }

  /** @param wasConnected the current one was in service; false: it could not be reached */
  fail(wasConnected: boolean): void {
    if (wasConnected && this.isStandIn) this.#at = 0
    else this.#at = (this.#at + 1) % this.#addresses.length
  }

  /** The first one is there again. */
  returnToFirst(): void {
    this.#at = 0
  }
}
