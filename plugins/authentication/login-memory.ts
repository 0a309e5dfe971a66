import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * Which password a user logged in with last, so that a thousand devices that come back at once need no thousand
 * derivations. Holds no password: an HMAC under a key that never leaves this process. Somebody who guesses passwords
 * gains nothing, as only a right one is ever found here.
 */
export class LoginMemory {
  readonly #key = randomBytes(32)
  readonly #proofs = new Map<string, Buffer>()
  readonly #most: number

  /** @param most users remembered; 0 remembers nobody */
  constructor(most: number) {
    this.#most = most
  }

  knows(username: string, password: Uint8Array): boolean {
    const proof = this.#proofs.get(username)
    return proof !== undefined && timingSafeEqual(proof, this.#proofOf(username, password))
  }

  add(username: string, password: Uint8Array): void {
    if (this.#most === 0) return
    this.#proofs.delete(username)
    for (const oldest of this.#proofs.keys()) {
      if (this.#proofs.size < this.#most) break
      this.#proofs.delete(oldest)
    }
    this.#proofs.set(username, this.#proofOf(username, password))
  }

  clear(): void {
    this.#proofs.clear()
  }

  #proofOf(username: string, password: Uint8Array): Buffer {
    // No user name holds a zero byte [MQTT-5.0 1.5.4-2], so the two cannot be shifted into each other.
    return createHmac('sha256', this.#key).update(username).update('\0').update(password).digest()
  }
}
