import {
  type AttachedEnvelope,
  type CryptoProvider,
  externalAad,
  isAlgorithmForP256,
  parseAttachedEnvelope,
  type RefusalCause,
  sigStructure,
} from '../../protocol/index.ts'
import type { KeyRegistry } from '../key-registry/index.ts'
import type { PublishPolicy } from './policy.ts'
import type { IncomingPublish, RefusedPublish, Verdict } from './publish.ts'

/** How far the signed time may lie ahead of our clock. A publisher may be late, as telemetry after an outage is. */
export const clockSkewMs = 5 * 60 * 1000

/** The MQTT 5 user property of the detached carrier. */
export const detachedProperty = 'notarymq'

export interface PublishVerifierOptions {
  readonly registry: KeyRegistry
  readonly policy: PublishPolicy
  readonly crypto: CryptoProvider
  readonly now: () => number
}

/**
 * Finds out who signed a publish, without reading its payload. Everything that is cheap comes before the signature; what
 * depends on the index (revocation meanwhile, duplicates) is decided by `admit`.
 */
export class PublishVerifier {
  readonly #options: PublishVerifierOptions

  constructor(options: PublishVerifierOptions) {
    this.#options = options
  }

  /** @returns a promise only when a signature has to be verified: unsigned publishes stay on the fast path */
  verify(publish: IncomingPublish): Verdict | Promise<Verdict> {
    for (const [name] of publish.userProperties) if (name === detachedProperty) return refused('detached-not-supported')
    const { policy } = this.#options
    if (!publish.publisher.isTls && policy.requiresTls(publish.topic)) return refused('tls-required')
    const mustBeSigned = policy.requiresSignature(publish.topic)
    const envelope = parseAttachedEnvelope(publish.payload)
    if (publish.isWill) {
      if (mustBeSigned || envelope !== undefined) return refused('will-not-supported')
      return { publish, outcome: 'will', signature: undefined }
    }
    if (envelope === undefined) {
      return mustBeSigned ? refused('not-signed') : { publish, outcome: 'unsigned', signature: undefined }
    }
    if (envelope.hopMac) return refused('mac-not-supported')
    return this.#verifyEnvelope(publish, envelope, mustBeSigned)
  }

  #verifyEnvelope(
    publish: IncomingPublish,
    envelope: AttachedEnvelope,
    mustBeSigned: boolean,
  ): Verdict | Promise<Verdict> {
    const { registry, crypto, now } = this.#options
    const signer = registry.resolve(envelope.kid)
    if (signer === undefined) {
      if (mustBeSigned) return refused('unknown-key')
      return { publish, outcome: 'unknown-key', signature: undefined }
    }
    if (signer.revokedAt !== undefined) return refused('key-revoked')
    if (!isAlgorithmForP256(envelope.alg)) return refused('algorithm-not-allowed')
    if (signer.window.isTooOld(envelope.seq)) return refused('seq-too-old')
    if (envelope.timeMs > now() + clockSkewMs) return refused('signed-in-future')
    const toBeSigned = sigStructure(envelope.sign1.protectedBytes, externalAad(publish.topic), envelope.payload)
    return crypto.verifyP256(signer.key, toBeSigned, envelope.sign1.signature).then((valid): Verdict => {
      if (!valid) return refused('signature-invalid')
      const contentDigest = crypto.sha256(toBeSigned)
      return { publish, outcome: 'signed', signature: { envelope, signer, contentDigest } }
    })
  }
}

function refused(cause: RefusalCause): RefusedPublish {
  return { cause }
}
