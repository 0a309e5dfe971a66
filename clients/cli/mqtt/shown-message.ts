import type { IPublishPacket } from 'mqtt'

/** Who signed a message that verified. */
export interface ShownSigner {
  /** base64url of the 32-byte thumbprint. */
  readonly kid: string
  /** Name of the key. */
  readonly subject: string
  readonly seq: number
  readonly time: Date
  /** Seen before on this connection. */
  readonly repeated: boolean
}

/** A message as it is shown: envelope taken off and decrypted, where that could be done. */
export interface ShownMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** 0 with QoS 0. */
  readonly packetId: number
  readonly properties: IPublishPacket['properties']
  readonly receivedAt: Date
  readonly verified?: ShownSigner | undefined
  /** Why it did not verify. */
  readonly unverified?: string | undefined
  readonly encrypted: boolean
  readonly undecrypted?: string | undefined
}

/** One word on what is to be thought of a message: `verified`, `repeated`, or why not. */
export function verdictOf({ verified, unverified, undecrypted }: ShownMessage): string {
  if (undecrypted !== undefined) return undecrypted
  if (verified === undefined) return unverified ?? 'unsigned'
  return verified.repeated ? 'repeated' : 'verified'
}
