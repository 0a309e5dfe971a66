import type { BrokerSession, HopMacKey } from '../../protocol/index.ts'
import type { RegisteredKey } from '../key-registry/index.ts'

/** How long the first valid MAC may take. */
export const confirmWithinMs = 30_000

/** What a session is made of. */
export interface MacSessionFields {
  /** Session id, key, and the message that went back. */
  readonly agreed: BrokerSession
  /** Key that signed the request. */
  readonly signer: RegisteredKey
  readonly clientId: string
  /** By the broker's clock, milliseconds since 1970. */
  readonly expiresAtMs: number
  /** SHA-256 of the request. */
  readonly requestDigest: Uint8Array
}

/** Each is told once at most. */
export interface MacSessionEvents {
  readonly onConfirmed: () => void
  readonly onEnded: () => void
}

/**
 * A key that the broker and one client have agreed on, for hop MACs. It lives until it expires, another takes its place
 * or its connection ends, and for 30 s only while no MAC made with it has been seen. It is in memory and nowhere else.
 */
export class MacSession implements HopMacKey {
  readonly sid: Uint8Array
  /** 32 bytes; all zero once the session has ended. */
  readonly key: Uint8Array
  readonly signer: RegisteredKey
  readonly clientId: string
  readonly expiresAtMs: number
  readonly requestDigest: Uint8Array
  /** The answer, for the same request that comes again. */
  readonly response: Uint8Array
  readonly #confirmByMs: number
  readonly #events: MacSessionEvents
  #isConfirmed = false
  #hasEnded = false

  constructor(fields: MacSessionFields, nowMs: number, events: MacSessionEvents) {
    this.sid = fields.agreed.sid
    this.key = fields.agreed.key
    this.response = fields.agreed.message
    this.signer = fields.signer
    this.clientId = fields.clientId
    this.expiresAtMs = fields.expiresAtMs
    this.requestDigest = fields.requestDigest
    this.#confirmByMs = nowMs + confirmWithinMs
    this.#events = events
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  /** When it ends by itself, as things are now. */
  get endsAtMs(): number {
    return this.#isConfirmed ? this.expiresAtMs : Math.min(this.#confirmByMs, this.expiresAtMs)
  }

  /** A revoked key has no session: a gateway would go on to vouch for others. */
  isLive(nowMs: number): boolean {
    return !this.#hasEnded && nowMs < this.endsAtMs && this.signer.revokedAt === undefined
  }

  /** A valid MAC was seen. To be called for every one; all but the first change nothing. */
  confirm(): void {
    if (this.#isConfirmed || this.#hasEnded) return
    this.#isConfirmed = true
    this.#events.onConfirmed()
  }

  /** Nothing can be MACed with it any more. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.key.fill(0)
    this.#events.onEnded()
  }
}
