import type { IPublishPacket } from 'mqtt'

/**
 * Why nobody of the keyring vouches for a message. `malformed`: its user property `notarymq` holds no envelope;
 * `key-not-valid`: the signature is right, and the key is revoked or may not sign for this topic.
 */
export type UnverifiedReason = 'unsigned' | 'unknown-key' | 'signature-invalid' | 'key-not-valid' | 'malformed'

/** Who signed a message, and where it stands among what he signed. */
export interface Verified {
  /** base64url of the 32-byte thumbprint. */
  readonly kid: string
  /** Name of the key in the keyring. */
  readonly subject: string
  readonly seq: number
  /** By the signer's clock. */
  readonly time: Date
  /** Seen before on this client. */
  readonly repeated: boolean
  /** Below the highest seen. */
  readonly late: boolean
  /** Numbers skipped since the highest seen of that key; 0 when none. */
  readonly missing: number
}

/** Third argument of `message` events. */
export interface IncomingMessage {
  readonly topic: string
  /** What the application meant: envelope removed, decrypted. */
  readonly payload: Uint8Array
  /** Present: a key of the keyring signed exactly this topic and payload. */
  readonly verified?: Verified
  /** Why not. */
  readonly unverified?: UnverifiedReason
  readonly encrypted: boolean
  /** Present with encrypted payloads that did not open: payload is empty then. */
  readonly undecrypted?: 'no-key' | 'not-authentic'
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  /** Packet identifier; undefined with QoS 0 [MQTT-5.0 2.2.1]. */
  readonly packetId: number | undefined
  readonly properties: IPublishPacket['properties']
}
