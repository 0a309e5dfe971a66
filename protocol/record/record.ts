import type { CborValue } from '../cbor/index.ts'
import type { AuthKind, Outcome, RecordKind } from './vocabulary.ts'

/** Version of the record format, field 0. */
export const recordVersion = 1

/** Quality of service of the publish as received. */
export type QoS = 0 | 1 | 2

/** The hop MAC that a publish came with and that was checked. It proves nothing to anyone else: the broker has its key too. */
export interface RecordedMac {
  /** Session id, 8 bytes. */
  readonly sid: Uint8Array
  /** HMAC-SHA256, 32 bytes. */
  readonly tag: Uint8Array
  /** Thumbprint of the key that the session was agreed with, 32 bytes. */
  readonly sessionThumbprint: Uint8Array
}

/** Whether a record of a publish has the fields of a signature: always when it is `signed`, and when a signed will fired. */
export function isSignedPublish({ outcome, thumbprint, envelope }: ChainRecord): boolean {
  return outcome === 'signed' || (outcome === 'will' && (thumbprint !== undefined || envelope !== undefined))
}

/**
 * One entry of the chain: what the broker accepted. The payload body is kept beside the record and covered by
 * `payloadSha256`. `docs/chain.md` has the CDDL; absent fields are absent there too.
 */
export interface ChainRecord {
  readonly kind: RecordKind
  /** Time of the commit, milliseconds since 1970; never goes backwards along the chain. */
  readonly timeMs: number
  /** Topic Name as published: what a signature is over. */
  readonly topic?: string
  readonly clientId?: string
  /** As claimed when `auth` is `none`. */
  readonly username?: string
  readonly auth?: AuthKind
  /** Name of the listener it came in by, e.g. `mqtt://127.0.0.1:1883`. */
  readonly listener?: string
  readonly qos?: QoS
  readonly retain?: boolean
  /** SHA-256 of the application payload: of the inner one when the outcome is `signed`. */
  readonly payloadSha256?: Uint8Array
  readonly payloadSize?: number
  readonly outcome?: Outcome
  /** Signer's RFC 9679 thumbprint, 32 bytes; for a key event the key's. */
  readonly thumbprint?: Uint8Array
  readonly seq?: number
  /** Publisher's clock. */
  readonly signedTimeMs?: number
  /** SHA-256 of the Sig_structure. */
  readonly contentDigest?: Uint8Array
  /** The COSE_Sign1 with its payload replaced by nil. */
  readonly envelope?: Uint8Array
  readonly mac?: RecordedMac
  /** Topic under which the message was stored and delivered, when that is another than the published one (bridges). */
  readonly storedTopic?: string
  /** MQTT 5 properties: property identifier to value; user properties as `[[name, value], ...]`. */
  readonly properties?: ReadonlyMap<number, CborValue>
  /** What this kind of record has beyond the common fields. */
  readonly detail?: ReadonlyMap<number, CborValue>
}
