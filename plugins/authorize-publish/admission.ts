import {
  bytesEqual,
  type ChainRecord,
  type CryptoProvider,
  encodeSign1,
  type RecordWithBody,
} from '../../protocol/index.ts'
import type { RefusedPublish, VerifiedPublish, VerifiedSignature } from './publish.ts'

/** What comes of a publish once its index is known. */
export type Admission =
  | { readonly kind: 'record'; readonly record: RecordWithBody }
  /** A copy of what is recorded at `index` already: acknowledged again, not delivered again. */
  | { readonly kind: 'duplicate'; readonly index: number }
  | ({ readonly kind: 'refused' } & RefusedPublish)

/**
 * The last look, when the sequencer has assigned the index: time has passed since the signature was verified, and other
 * publishes and key events were decided meanwhile. Takes the sequence number when it admits.
 */
export function admit(verified: VerifiedPublish, index: number, timeMs: number, crypto: CryptoProvider): Admission {
  const { publish, signature } = verified
  if (signature === undefined) return { kind: 'record', record: recordOf(verified, publish.payload, timeMs, crypto) }
  const { signer, envelope, contentDigest } = signature
  // Key events are applied at their own index, so this sees a revocation that was decided just before.
  if (signer.revokedAt !== undefined) return { kind: 'refused', cause: 'key-revoked' }
  if (signer.window.isTooOld(envelope.seq)) return { kind: 'refused', cause: 'seq-too-old' }
  const earlier = signer.window.find(envelope.seq)
  if (earlier !== undefined) {
    if (!bytesEqual(earlier.contentDigest, contentDigest)) return { kind: 'refused', cause: 'seq-reuse' }
    if (publish.qos > earlier.qos || publish.retain !== earlier.retain) {
      return { kind: 'refused', cause: 'replayed-with-other-flags' }
    }
    return { kind: 'duplicate', index: earlier.index }
  }
  const record = recordOf(verified, envelope.payload, timeMs, crypto)
  // Last, when nothing can go wrong any more: a publish that is not recorded does not consume its number.
  signer.window.accept(envelope.seq, { index, contentDigest, qos: publish.qos, retain: publish.retain })
  return { kind: 'record', record }
}

/** @param body the application payload: the inner one of an envelope that was verified */
function recordOf(verified: VerifiedPublish, body: Uint8Array, timeMs: number, crypto: CryptoProvider): RecordWithBody {
  const { publish, outcome, signature } = verified
  const { publisher } = publish
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
    payloadSha256: crypto.sha256(body),
    payloadSize: body.length,
    outcome,
  }
  if (publisher.username !== undefined) record.username = publisher.username
  if (publish.properties !== undefined) record.properties = publish.properties
  if (signature !== undefined) addSignedFields(record, signature)
  return { record, body }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function addSignedFields(record: Writable<ChainRecord>, { envelope, signer, contentDigest }: VerifiedSignature): void {
  record.thumbprint = signer.thumbprint
  record.seq = envelope.seq
  record.signedTimeMs = envelope.timeMs
  record.contentDigest = contentDigest
  record.envelope = encodeSign1(envelope.sign1, undefined)
}
