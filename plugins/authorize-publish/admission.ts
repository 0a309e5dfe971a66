import {
  bytesEqual,
  type ChainRecord,
  detachedProperty,
  encodeSign1,
  messagePropertyIds,
  type RecordWithBody,
  type RefusalCause,
} from '../../protocol/index.ts'
import type { AuditChain, StoreOperation } from '../audit-chain/index.ts'
import {
  type Publisher,
  provenUsername,
  type RefusedPublish,
  type VerifiedPublish,
  type VerifiedSignature,
} from './publish.ts'
import type { RulesInForce } from './rules-in-force.ts'
import { hasFormOf, signerRefusal } from './signer-rules.ts'

/** What comes of a publish once its index is known. */
export type Admission =
  | { readonly kind: 'record'; readonly record: RecordWithBody; readonly also?: readonly StoreOperation[] }
  /** A copy of what is recorded at `index` already: acknowledged again, not delivered again. */
  | { readonly kind: 'duplicate'; readonly index: number }
  /** The key signed something else under this number, which is recorded at `acceptedIndex`. */
  | { readonly kind: 'reused'; readonly acceptedIndex: number }
  | ({ readonly kind: 'refused' } & RefusedPublish)

/** What the last look is taken with. */
export interface AdmissionRules {
  readonly chain: Pick<AuditChain, 'wills'>
  readonly rules: RulesInForce
}

/**
 * The last look, when the sequencer has assigned the index: time has passed since the signature was verified, and other
 * publishes, key events and policies were decided meanwhile. Takes the sequence number when it admits.
 */
export function admit(verified: VerifiedPublish, index: number, timeMs: number, given: AdmissionRules): Admission {
  const { publish, signature } = verified
  const refusal = refusalNow(verified, index, given.rules)
  if (refusal !== undefined) return { kind: 'refused', cause: refusal }
  if (signature === undefined) {
    return { kind: 'record', record: recordOf(verified, publish.payload, timeMs) }
  }
  return publish.isWill
    ? admitWill(verified, signature, timeMs, given)
    : admitSigned(verified, signature, index, timeMs, given)
}

function admitSigned(
  verified: VerifiedPublish,
  signature: VerifiedSignature,
  index: number,
  timeMs: number,
  { chain }: AdmissionRules,
): Admission {
  const { publish } = verified
  const { signer, envelope, contentDigest } = signature
  if (signer.window.isTooOld(envelope.seq)) return { kind: 'refused', cause: 'seq-too-old' }
  const earlier = signer.window.find(envelope.seq)
  if (earlier !== undefined) {
    if (!bytesEqual(earlier.contentDigest, contentDigest)) return { kind: 'reused', acceptedIndex: earlier.index }
    if (publish.qos > earlier.qos || publish.retain !== earlier.retain) {
      return { kind: 'refused', cause: 'replayed-with-other-flags' }
    }
    return { kind: 'duplicate', index: earlier.index }
  }
  if (chain.wills.isTaken(signer, envelope.seq)) return { kind: 'refused', cause: 'will-replayed' }
  const record = recordOf(verified, envelope.payload, timeMs)
  // Last, when nothing can go wrong any more: a publish that is not recorded does not consume its number.
  signer.window.accept(envelope.seq, { index, contentDigest, qos: publish.qos, retain: publish.retain })
  return { kind: 'record', record }
}

function admitWill(
  verified: VerifiedPublish,
  signature: VerifiedSignature,
  timeMs: number,
  { chain }: AdmissionRules,
): Admission {
  const reserved = takeSeqOfWill(verified.publish.publisher, signature, chain)
  if ('cause' in reserved) return { kind: 'refused', ...reserved }
  const { signer, envelope, contentDigest } = signature
  const record = recordOf(verified, envelope.payload, timeMs)
  signer.wills.fire(envelope.seq, contentDigest)
  return { kind: 'record', record, also: reserved }
}

/**
 * Takes a will that verified from its client, when the CONNECT has its place in the order: a signed one gets its number.
 * @returns what to write in the batch in which the will is stored
 */
export function reserveWill(
  verified: VerifiedPublish,
  index: number,
  { chain, rules }: Pick<AdmissionRules, 'chain' | 'rules'>,
): readonly StoreOperation[] | RefusedPublish {
  const cause = refusalNow(verified, index, rules)
  if (cause !== undefined) return { cause }
  const { publish, signature } = verified
  return signature === undefined ? [] : takeSeqOfWill(publish.publisher, signature, chain)
}

function takeSeqOfWill(
  publisher: Publisher,
  { signer, envelope, contentDigest }: VerifiedSignature,
  { wills }: AdmissionRules['chain'],
): readonly StoreOperation[] | RefusedPublish {
  const will = { signer, seq: envelope.seq, contentDigest }
  const owner = { clientId: publisher.clientId, provenUsername: provenUsername(publisher) }
  const cause = wills.refusalOf(will, owner)
  return cause === undefined ? wills.reserve(will, owner) : { cause }
}

/** What may have changed since the publish was verified: its key, and the policy. */
function refusalNow(verified: VerifiedPublish, index: number, rules: RulesInForce): RefusalCause | undefined {
  const { publish, signature } = verified
  const policy = rules.policy.of(publish.topic)
  if (signature !== undefined) {
    const { envelope, signer } = signature
    const refusal = signerRefusal({ publish, envelope, signer, policy, index })
    if (refusal !== undefined) return refusal
  }
  if (verified.policyVersion === rules.version) return undefined
  if (policy.tls && !publish.publisher.isTls) return 'tls-required'
  if (policy.signed && signature === undefined) return 'not-signed'
  if (policy.mac && signature?.mac === undefined) return 'mac-required'
  return hasFormOf(policy, signature?.envelope.payload ?? publish.payload, publish.retain) ? undefined : 'not-encrypted'
}

/**
 * The digest of the payload is left to the block, which makes those of all its records at once.
 * @param body the application payload: the inner one of an envelope that was verified
 */
function recordOf(verified: VerifiedPublish, body: Uint8Array, timeMs: number): RecordWithBody {
  const { publish, outcome, signature } = verified
  const { publisher, signedTopic } = publish
  // Assigned one by one: spreading optional parts into a literal costs several times as much.
  const record: Writable<ChainRecord> = {
    kind: 'publish',
    timeMs,
    topic: publish.topic,
    clientId: publisher.clientId,
    auth: publisher.auth,
    listener: publisher.listener,
    qos: publish.qos,
    retain: publish.retain,
    payloadSize: body.length,
    outcome,
  }
  if (publisher.username !== undefined) record.username = publisher.username
  if (publish.properties !== undefined) record.properties = publish.properties
  if (signedTopic !== undefined && signedTopic !== publish.topic) {
    record.topic = signedTopic
    record.storedTopic = publish.topic
  }
  if (signature !== undefined) addSignedFields(record, signature)
  return { record, body }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function addSignedFields(record: Writable<ChainRecord>, signature: VerifiedSignature): void {
  const { envelope, signer, contentDigest, mac } = signature
  record.thumbprint = signer.thumbprint
  record.seq = envelope.seq
  record.signedTimeMs = envelope.timeMs
  record.contentDigest = contentDigest
  record.envelope = encodeSign1(envelope.sign1, undefined)
  if (mac !== undefined) record.mac = mac
  const { properties } = record
  if (envelope.carrier === 'detached' && properties !== undefined) record.properties = withoutEnvelope(properties)
}

/** The user property `notarymq` keeps its place and loses its value, which is the envelope that the record has anyway. */
function withoutEnvelope(properties: NonNullable<ChainRecord['properties']>): NonNullable<ChainRecord['properties']> {
  const user = properties.get(messagePropertyIds.userProperties)
  if (!Array.isArray(user)) return properties
  const emptied = user.map((pair) =>
    Array.isArray(pair) && pair[0] === detachedProperty ? [detachedProperty, ''] : pair,
  )
  return new Map(properties).set(messagePropertyIds.userProperties, emptied)
}
