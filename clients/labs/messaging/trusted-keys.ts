import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { IPublishPacket } from 'mqtt'
import {
  detachedProperty,
  externalAad,
  isKidOf,
  nobleCrypto,
  type P256PublicKey,
  ProtocolError,
  parseAttachedEnvelope,
  parseDetachedEnvelope,
  thumbprintOfP256,
  verifySign1,
} from '../../../protocol/index.ts'
import { loadPublicKey } from '../../identity/index.ts'

/** A message whose signature was looked at. */
export interface LabMessage {
  readonly topic: string
  /** Without its envelope. */
  readonly payload: Uint8Array
  readonly qos: number
  /** Who signed exactly this topic and payload, under which number; undefined: see `unverified`. */
  readonly verified: { readonly subject: string; readonly seq: number } | undefined
  readonly unverified: 'unsigned' | 'unknown-key' | 'signature-invalid' | undefined
}

interface TrustedKey {
  readonly name: string
  readonly key: P256PublicKey
  readonly thumbprint: Uint8Array
}

const suffix = '.pub.pem'

/** Whom a party of the lab believes: the public keys in its directory, under their file names. */
export class TrustedKeys {
  readonly #keys: readonly TrustedKey[]

  /** @throws {ClientError} ERR_IDENTITY_FILE */
  constructor(directory: string) {
    const files = readdirSync(directory).filter((file) => file.endsWith(suffix))
    this.#keys = files.sort().map((file) => {
      const key = loadPublicKey(join(directory, file))
      return { name: file.slice(0, -suffix.length), key, thumbprint: thumbprintOfP256(key, nobleCrypto) }
    })
  }

  /** Verifies what came under a topic. */
  async open(topic: string, payload: Uint8Array, { qos, properties }: IPublishPacket): Promise<LabMessage> {
    const value = properties?.userProperties?.[detachedProperty]
    // The property wins: a payload beside it is never parsed.
    const envelope =
      value === undefined
        ? parseAttachedEnvelope(payload)
        : typeof value === 'string'
          ? parseDetachedEnvelope(value, payload)
          : undefined
    const said = { topic, payload: envelope?.payload ?? payload, qos, verified: undefined }
    if (envelope === undefined) return { ...said, unverified: 'unsigned' }
    const signer = this.#find(envelope.kid)
    if (signer === undefined) return { ...said, unverified: 'unknown-key' }
    const detached = envelope.carrier === 'detached' ? envelope.payload : undefined
    try {
      await verifySign1(envelope.sign1, signer.key, externalAad(topic), nobleCrypto, detached)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return { ...said, unverified: 'signature-invalid' }
    }
    return { ...said, verified: { subject: signer.name, seq: envelope.seq }, unverified: undefined }
  }

  /** A kid has to lead to exactly one key. */
  #find(kid: Uint8Array): TrustedKey | undefined {
    const found = this.#keys.filter(({ thumbprint }) => isKidOf(kid, thumbprint))
    return found.length === 1 ? found[0] : undefined
  }
}
