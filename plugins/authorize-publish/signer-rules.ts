import {
  type Envelope,
  isAlgorithmForP256,
  isEncryptedForm,
  matchesPattern,
  type RefusalCause,
  type RegisteredKey,
} from '../../protocol/index.ts'
import type { TopicPolicy } from './policy.ts'
import { type ClaimedName, type IncomingPublish, provenUsername } from './publish.ts'

/** What is asked of an envelope beside its signature and its number; asked again when the index is known. */
export interface SignerQuestion {
  readonly publish: IncomingPublish
  readonly envelope: Envelope
  readonly signer: RegisteredKey
  readonly policy: TopicPolicy
  /** Index that the record would get. */
  readonly index: number
}

/** Why this client may not use this key, whatever it signs; undefined: it may. No cryptography. */
export function keyRefusal(
  signer: RegisteredKey,
  { alg }: Pick<Envelope, 'alg'>,
  client: ClaimedName & { readonly clientId: string },
  index: number,
): RefusalCause | undefined {
  const invalidity = signer.invalidityAt(index)
  if (invalidity !== undefined) return invalidity
  // The key decides which algorithms there are, not the message.
  if (!isAlgorithmForP256(alg)) return 'algorithm-not-allowed'
  return signer.mayBeUsedBy(client.clientId, provenUsername(client)) ? undefined : 'key-restricted'
}

/** Why this key may not sign this publish; undefined: it may. No cryptography. */
export function signerRefusal({ publish, envelope, signer, policy, index }: SignerQuestion): RefusalCause | undefined {
  const refusal = keyRefusal(signer, envelope, publish.publisher, index)
  if (refusal !== undefined) return refusal
  const { topic, signedTopic = topic } = publish
  if (!signer.maySignTopic(signedTopic)) return 'key-restricted'
  for (const pattern of policy.keys) if (!matchesPattern(signer.name, pattern)) return 'key-not-allowed'
  return undefined
}

/**
 * Whether a payload has the form that the policy asks for. An empty retained one has no content to hide: it clears what
 * is retained.
 */
export function hasFormOf(policy: TopicPolicy, payload: Uint8Array, retain: boolean): boolean {
  return !policy.encrypted || (retain && payload.length === 0) || isEncryptedForm(payload)
}

/** How the signed time relates to the broker's clock: why it is not admitted, or undefined. */
export function timeRefusal(
  { timeMs }: Pick<Envelope, 'timeMs'>,
  { hasClock }: Pick<RegisteredKey, 'hasClock'>,
  { freshSeconds }: TopicPolicy,
  nowMs: number,
  skewMs: number,
): RefusalCause | undefined {
  // What a device without a clock signs as its time says nothing, so it is never fresh.
  if (!hasClock) return freshSeconds === undefined ? undefined : 'not-fresh'
  if (timeMs > nowMs + skewMs) return 'signed-in-future'
  // A publisher may be late, as telemetry after an outage is, where the policy does not say otherwise.
  return freshSeconds !== undefined && timeMs < nowMs - freshSeconds * 1000 ? 'not-fresh' : undefined
}
