import {
  bytesEqual,
  type CryptoProvider,
  type Envelope,
  externalAad,
  isHopMacValid,
  type P256PublicKey,
  type RecordedMac,
  type RefusalCause,
  type RegisteredKey,
  sigStructure,
} from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { findEnvelope } from './find-envelope.ts'
import type { TopicPolicy } from './policy.ts'
import { type IncomingPublish, type MacSession, refused, type Verdict, type VerifiedPublish } from './publish.ts'
import type { RulesInForce } from './rules-in-force.ts'
import { hasFormOf, signerRefusal, timeRefusal } from './signer-rules.ts'

/** How far the signed time may lie ahead of our clock, unless configured otherwise. */
export const defaultClockSkewMs = 5 * 60 * 1000

/** A signature to verify: ECDSA P-256 with SHA-256. */
export interface SignatureToVerify {
  readonly key: P256PublicKey
  readonly message: Uint8Array
  /** r || s, 64 bytes. */
  readonly signature: Uint8Array
}

/**
 * Verifies off the main thread.
 * @param source whose turn it is
 */
export type VerifySignature = (source: object, job: SignatureToVerify) => Promise<boolean>

/** OpenSSL on the thread pool, without turns. */
export const verifyOnThreadPool: VerifySignature = (_source, { key, message, signature }) =>
  nativeCrypto.verifyP256(key, message, signature)

export interface PublishVerifierOptions {
  readonly chain: Pick<AuditChain, 'registry' | 'nextIndex'>
  readonly rules: RulesInForce
  readonly crypto: CryptoProvider
  readonly verifySignature: VerifySignature
  readonly clockSkewMs: () => number
  readonly now: () => number
}

/** A publish with an envelope of a known key, on its way through the checks. */
interface Signed {
  readonly publish: IncomingPublish
  readonly envelope: Envelope
  readonly signer: RegisteredKey
  readonly policy: TopicPolicy
  readonly policyVersion: number
  readonly mac: RecordedMac | undefined
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
    const { rules, chain } = this.#options
    const policyVersion = rules.version
    const policy = rules.policy.of(publish.topic)
    if (policy.tls && !publish.publisher.isTls) return refused('tls-required')
    const found = findEnvelope(publish)
    if (found === undefined || found === 'malformed') {
      if (!policy.signed) return opaque(publish, policy, policyVersion, publish.isWill ? 'will' : 'unsigned')
      return refused(found === undefined ? 'not-signed' : 'detached-malformed')
    }
    if (found.mac === undefined && policy.mac) return refused('mac-required')
    const signer = chain.registry.resolve(found.kid)
    if (signer === undefined) {
      if (policy.signed) return refused('unknown-key')
      return opaque(publish, policy, policyVersion, publish.isWill ? 'will' : 'unknown-key')
    }
    const session = sessionOf(publish, found)
    const forgery = this.#macRefusal(found, signer, session)
    if (forgery !== undefined) return refused(forgery)
    const mac = macOf(found, session)
    return this.#verifySigned({ publish, envelope: found, signer, policy, policyVersion, mac })
  }

  /** The hop MAC costs a thirtieth of a signature, so a forged one costs us no more than that. */
  #macRefusal({ mac }: Envelope, signer: RegisteredKey, session: MacSession | undefined): RefusalCause | undefined {
    if (mac === undefined) return undefined
    if (session === undefined) return 'mac-session-unknown'
    if (!isHopMacValid(mac, session.key, this.#options.crypto)) return 'mac-invalid'
    session.confirm()
    const isOwn = session.signer.isGateway || bytesEqual(session.signer.thumbprint, signer.thumbprint)
    return isOwn ? undefined : 'mac-key-mismatch'
  }

  #verifySigned(signed: Signed): Verdict | Promise<Verdict> {
    const { crypto, verifySignature } = this.#options
    const { publish, envelope, signer, policy, policyVersion, mac } = signed
    // The index is not known yet, but what is refused now would be at any later one.
    const index = this.#options.chain.nextIndex
    const refusal = signerRefusal({ publish, envelope, signer, policy, index })
    if (refusal !== undefined) return refused(refusal)
    if (!hasFormOf(policy, envelope.payload, publish.retain)) return refused('not-encrypted')
    if (!publish.isWill && signer.window.isTooOld(envelope.seq)) return refused('seq-too-old')
    const aad = externalAad(publish.signedTopic ?? publish.topic)
    const message = sigStructure(envelope.sign1.protectedBytes, aad, envelope.payload)
    const contentDigest = crypto.sha256(message)
    const late = this.#timeRefusal(signed, contentDigest)
    if (late !== undefined) return refused(late)
    const job = { key: signer.key, message, signature: envelope.sign1.signature }
    return verifySignature(publish.source ?? publish.publisher, job).then((valid): Verdict => {
      if (!valid) return refused('signature-invalid')
      const outcome = publish.isWill ? 'will' : 'signed'
      return { publish, outcome, signature: { envelope, signer, contentDigest, mac }, policyVersion }
    })
  }

  /** A copy of what was accepted is acknowledged again, whatever its age. */
  #timeRefusal({ publish, envelope, signer, policy }: Signed, contentDigest: Uint8Array): RefusalCause | undefined {
    const { now, clockSkewMs } = this.#options
    const cause = timeRefusal(envelope, signer, policy, now(), clockSkewMs())
    if (cause === undefined || publish.isWill) return cause
    const earlier = signer.window.find(envelope.seq)
    return earlier !== undefined && bytesEqual(earlier.contentDigest, contentDigest) ? undefined : cause
  }
}

function opaque(
  publish: IncomingPublish,
  policy: TopicPolicy,
  policyVersion: number,
  outcome: VerifiedPublish['outcome'],
): Verdict {
  if (!hasFormOf(policy, publish.payload, publish.retain)) return refused('not-encrypted')
  return { publish, outcome, signature: undefined, policyVersion }
}

function sessionOf({ macSessions }: IncomingPublish, { mac }: Envelope): MacSession | undefined {
  return mac === undefined ? undefined : macSessions?.find(mac.sid)
}

function macOf({ mac }: Envelope, session: MacSession | undefined): RecordedMac | undefined {
  if (mac === undefined || session === undefined) return undefined
  return { sid: mac.sid, tag: mac.tag, sessionThumbprint: session.signer.thumbprint }
}
