import type {
  AuthKind,
  ChainRecord,
  Envelope,
  Outcome,
  QoS,
  RecordedMac,
  RefusalCause,
  RegisteredKey,
} from '../../protocol/index.ts'

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

/** A name, and how it was proved. */
export interface ClaimedName {
  readonly username?: string | undefined
  readonly auth: AuthKind
}

/** The name that was proved; undefined when there is none, or it is only claimed. */
export function provenUsername({ username, auth }: ClaimedName): string | undefined {
  return auth === 'none' ? undefined : username
}

/** A live session of a connection, by whose key it MACs its publishes. */
export interface MacSession {
  /** 32 bytes. */
  readonly key: Uint8Array
  /** Whose key agreed on it. */
  readonly signer: Pick<RegisteredKey, 'thumbprint' | 'isGateway'>
  /** Its first valid MAC has arrived: it does not die early. */
  confirm(): void
}

/** The sessions of one connection. */
export interface MacSessionLookup {
  /** @returns undefined when the session is none of this connection's, or is over */
  find(sid: Uint8Array): MacSession | undefined
}

/** A publish as it arrived: checked by MQTT's rules, not yet by ours. */
export interface IncomingPublish {
  readonly publisher: Publisher
  readonly topic: string
  /** What its publisher calls the topic, where that is something else: a bridge maps topics. A signature is over this. */
  readonly signedTopic?: string | undefined
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  /** A will, when it is left and when it fires. */
  readonly isWill: boolean
  readonly userProperties: readonly (readonly [name: string, value: string])[]
  /** MQTT 5 properties as the record keeps them. */
  readonly properties: ChainRecord['properties']
  /** Undefined: hop MACs are of no session. */
  readonly macSessions?: MacSessionLookup | undefined
  /** Whose turn a verification is: connections share the verifier fairly. Default: the publisher. */
  readonly source?: object | undefined
}

/** A signature that was verified, before the index was known. */
export interface VerifiedSignature {
  readonly envelope: Envelope
  readonly signer: RegisteredKey
  /** SHA-256 of the Sig_structure: the same for every copy of the same publish, in either carrier. */
  readonly contentDigest: Uint8Array
  /** The hop MAC it came in, when there was one. */
  readonly mac: RecordedMac | undefined
}

/** A publish that may be recorded, if the last look at its index agrees. */
export interface VerifiedPublish {
  readonly publish: IncomingPublish
  readonly outcome: Outcome
  /** Present when the outcome is `signed`, and with a signed will. */
  readonly signature: VerifiedSignature | undefined
  /** Version of the policy that it was checked against. */
  readonly policyVersion: number
}

/** A publish that is refused, and why. */
export interface RefusedPublish {
  readonly cause: RefusalCause
}

export type Verdict = VerifiedPublish | RefusedPublish

export function isRefused(verdict: object): verdict is RefusedPublish {
  return 'cause' in verdict
}

export function refused(cause: RefusalCause): RefusedPublish {
  return { cause }
}
