import type { AttachedEnvelope, AuthKind, ChainRecord, Outcome, QoS, RefusalCause } from '../../protocol/index.ts'
import type { RegisteredKey } from '../key-registry/index.ts'

/** Who publishes, as far as the broker knows. */
export interface Publisher {
  readonly clientId: string
  readonly username: string | undefined
  readonly auth: AuthKind
  /** Name of the listener, e.g. `mqtt://127.0.0.1:1883`. */
  readonly listener: string
  /** It came over TLS. */
  readonly isTls: boolean
}

/** A publish as it arrived: checked by MQTT's rules, not yet by ours. */
export interface IncomingPublish {
  readonly publisher: Publisher
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  /** A will that fires; its publisher is gone. */
  readonly isWill: boolean
  readonly userProperties: readonly (readonly [name: string, value: string])[]
  /** MQTT 5 properties as the record keeps them. */
  readonly properties: ChainRecord['properties']
}

/** A signature that was verified, before the index was known. */
export interface VerifiedSignature {
  readonly envelope: AttachedEnvelope
  readonly signer: RegisteredKey
  /** SHA-256 of the Sig_structure: the same for every copy of the same publish. */
  readonly contentDigest: Uint8Array
}

/** A publish that may be recorded, if the last look at its index agrees. */
export interface VerifiedPublish {
  readonly publish: IncomingPublish
  readonly outcome: Outcome
  /** Present exactly when the outcome is `signed`. */
  readonly signature: VerifiedSignature | undefined
}

/** A publish that is refused, and why. */
export interface RefusedPublish {
  readonly cause: RefusalCause
}

export type Verdict = VerifiedPublish | RefusedPublish

export function isRefused(verdict: Verdict): verdict is RefusedPublish {
  return 'cause' in verdict
}
