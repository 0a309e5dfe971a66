import type { IClientPublishOptions } from 'mqtt'
import {
  addHopMac,
  type CryptoProvider,
  detachedProperty,
  detachedValueOf,
  emptyMap,
  encodeSign1,
  externalAad,
  type HopMacKey,
  isBelowNotary,
  kidOf,
  publishProtectedHeaders,
  sigStructure,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { ClientCipher } from './client-cipher.ts'
import type { SequenceNumbers } from './sequence-numbers.ts'
import type { Signer } from './signer.ts'

/** A message of the application. */
export interface MessageToSend {
  readonly topic: string
  readonly payload: Uint8Array
  readonly options: IClientPublishOptions
}

/** What goes to MQTT.js, for a session that may be another one each time that it is sent. */
export type Sealed = (session: HopMacKey | undefined) => Pick<MessageToSend, 'payload' | 'options'>

export interface PublishSignerOptions {
  /** Undefined: messages are not signed. */
  readonly identity: { readonly signer: Signer; readonly numbers: SequenceNumbers } | undefined
  readonly isDetached: boolean
  readonly cipher: Pick<ClientCipher, 'present'>
  readonly crypto: CryptoProvider
}

const nothing = new Uint8Array(0)

/** Makes of a message what is published: encrypted, then signed. */
export class PublishSigner {
  readonly #options: PublishSignerOptions

  constructor(options: PublishSignerOptions) {
    this.#options = options
  }

  /**
   * Numbers are given in the order of the calls. Requests to the broker itself go as they are.
   * @throws {ClientError} what cipher, signer and key store throw
   */
  async seal(message: MessageToSend): Promise<Sealed> {
    const { identity } = this.#options
    const { topic, options } = message
    if (isBelowNotary(topic)) return () => message
    // Asked for before anything is waited for.
    const taken = identity?.numbers.take()
    const payload = await this.#encrypted(message, taken)
    if (identity === undefined || taken === undefined) return () => ({ payload, options })
    const headers = publishProtectedHeaders(kidOf(identity.signer.thumbprint), await taken, Date.now())
    const signature = await identity.signer.sign(sigStructure(headers, externalAad(topic), payload))
    if (signature.length !== 64) throw new ClientError('ERR_IDENTITY_FILE', 'the signer made no P-256 signature')
    const parts = { protectedBytes: headers, unprotectedBytes: emptyMap, signature }
    return this.#options.isDetached ? this.#detached(parts, payload, options) : this.#attached(parts, payload, options)
  }

  async #encrypted({ topic, payload }: MessageToSend, taken: Promise<number> | undefined): Promise<Uint8Array> {
    const cipher = this.#options.cipher.present
    if (cipher?.covers(topic) !== true) return payload
    const sealing = cipher.seal(topic, payload, this.#options.identity?.signer.thumbprint)
    // Both are waited for, so that neither fails unseen.
    const [sealed] = await Promise.all([sealing, taken])
    return sealed
  }

  #attached(parts: Parameters<typeof encodeSign1>[0], payload: Uint8Array, options: IClientPublishOptions): Sealed {
    const sign1 = encodeSign1(parts, payload)
    return (session) => ({ payload: this.#maced(sign1, session, nothing), options })
  }

  #detached(parts: Parameters<typeof encodeSign1>[0], payload: Uint8Array, options: IClientPublishOptions): Sealed {
    const sign1 = encodeSign1(parts, undefined)
    return (session) => {
      const value = detachedValueOf(this.#maced(sign1, session, payload))
      const userProperties = { ...options.properties?.userProperties, [detachedProperty]: value }
      return { payload, options: { ...options, properties: { ...options.properties, userProperties } } }
    }
  }

  #maced(sign1: Uint8Array, session: HopMacKey | undefined, externalAad: Uint8Array): Uint8Array {
    return session === undefined ? sign1 : addHopMac(sign1, session, externalAad, this.#options.crypto)
  }
}
