import type { PublishPolicy } from './policy.ts'

/** The policy in force. It is replaced as a whole, and whoever checked against another version checks again. */
export class RulesInForce {
  #policy: PublishPolicy
  #version = 0

  constructor(policy: PublishPolicy) {
    this.#policy = policy
  }

  get policy(): PublishPolicy {
    return this.#policy
  }

  get version(): number {
    return this.#version
  }

  /** @param policy undefined: the same one, with other rules around it, such as an access control list */
  replace(policy: PublishPolicy = this.#policy): void {
    this.#policy = policy
    this.#version++
  }
}
