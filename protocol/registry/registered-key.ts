import type { P256PublicKey } from '../cose/index.ts'
import type { KeyRestrictions } from '../record/index.ts'
import { FiredWills } from '../replay/fired-wills.ts'
import { ReplayWindow } from '../replay/window.ts'
import { RestrictionRules, unrestricted } from './restriction-rules.ts'

/** Why a key is not valid at an index: the cause of the refusal. */
export type InvalidityCause = 'key-revoked' | 'key-retired'

/** A publisher's key as the chain knows it. Read it; only the registry changes it. */
export interface RegisteredKey {
  readonly key: P256PublicKey
  readonly thumbprint: Uint8Array
  /** Given once per log, for ever. */
  readonly name: string
  /** Index of the enrolment; the key is valid at every index above. */
  readonly enrolledAt: number
  /** Index of the revocation; undefined while there is none. */
  readonly revokedAt: number | undefined
  /** Last index at which the key is valid; undefined when it was not retired. */
  readonly lastIndex: number | undefined
  /** Thumbprint of the key that this one took the place of. */
  readonly replaces: Uint8Array | undefined
  readonly window: ReplayWindow
  readonly wills: FiredWills
  /** The highest sequence number that it used, for publishes, key exchanges and wills; -1 when it used none. */
  readonly highestSeq: number
  readonly restrictions: KeyRestrictions
  readonly isGateway: boolean
  /** False: its signed time says nothing. */
  readonly hasClock: boolean
  /** Whether something the key signed may get this index; undefined: it may. Asked with the newest index, never an old one. */
  invalidityAt(index: number): InvalidityCause | undefined
  maySignTopic(topic: string): boolean
  /** @param provenUsername undefined when the client has none, or only claims it */
  mayBeUsedBy(clientId: string, provenUsername: string | undefined): boolean
}

/** What a key is made of, at its enrolment or from a snapshot. */
export interface KeyParts {
  readonly key: P256PublicKey
  readonly thumbprint: Uint8Array
  readonly name: string
  readonly enrolledAt: number
  readonly revokedAt?: number | undefined
  readonly lastIndex?: number | undefined
  readonly replaces?: Uint8Array | undefined
  readonly restrictions?: KeyRestrictions | undefined
  readonly window?: ReplayWindow | undefined
  readonly wills?: FiredWills | undefined
}

/** The registry's own view of a key. */
export class KeyEntry implements RegisteredKey {
  readonly key: P256PublicKey
  readonly thumbprint: Uint8Array
  readonly name: string
  readonly enrolledAt: number
  readonly replaces: Uint8Array | undefined
  readonly window: ReplayWindow
  readonly wills: FiredWills
  revokedAt: number | undefined
  lastIndex: number | undefined
  #rules: RestrictionRules

  constructor(parts: KeyParts) {
    this.key = parts.key
    this.thumbprint = parts.thumbprint
    this.name = parts.name
    this.enrolledAt = parts.enrolledAt
    this.revokedAt = parts.revokedAt
    this.lastIndex = parts.lastIndex
    this.replaces = parts.replaces
    this.#rules = rulesOf(parts.restrictions)
    this.window = parts.window ?? new ReplayWindow(this.#rules.windowSize)
    this.wills = parts.wills ?? new FiredWills()
  }

  get highestSeq(): number {
    return Math.max(this.window.highest, this.wills.highest)
  }

  get restrictions(): KeyRestrictions {
    return this.#rules.restrictions
  }

  get isGateway(): boolean {
    return this.#rules.isGateway
  }

  get hasClock(): boolean {
    return this.#rules.hasClock
  }

  restrict(restrictions: KeyRestrictions): void {
    this.#rules = rulesOf(restrictions)
    this.window.resize(this.#rules.windowSize)
  }

  invalidityAt(index: number): InvalidityCause | undefined {
    if (this.revokedAt !== undefined) return 'key-revoked'
    return this.lastIndex !== undefined && index > this.lastIndex ? 'key-retired' : undefined
  }

  maySignTopic(topic: string): boolean {
    return this.#rules.maySignTopic(topic)
  }

  mayBeUsedBy(clientId: string, provenUsername: string | undefined): boolean {
    return this.#rules.mayBeUsedBy(clientId, provenUsername)
  }
}

function rulesOf(restrictions: KeyRestrictions | undefined): RestrictionRules {
  const isNothing = restrictions === undefined || Object.keys(restrictions).length === 0
  return isNothing ? unrestricted : new RestrictionRules(restrictions)
}
