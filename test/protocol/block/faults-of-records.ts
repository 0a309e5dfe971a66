import {
  type BlockEntry,
  type ChainFault,
  type ChainRecord,
  encodeRecord,
  externalAad,
  keyEventRecord,
  type PublishToSign,
  type RecordWithBody,
  signPublish,
  sigStructure,
} from '../../../protocol/index.ts'
import { example, exampleSign1, headersWith, signedEnvelope } from '../../helpers/envelopes.ts'
import { type FaultScenario, withEntry } from '../../helpers/faults.ts'
import { goldenChain, signedPublish, startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { key11, keyMeriadoc, numberedKey, publicOf, type TestKey } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

const { crypto } = goldenChain()
const timeMs = startMs + 2000
const admin = { clientId: 'admin-1', auth: 'password' } as const
const topic = 'plant/1/temp'
const { thumbprint } = key11
const key12 = numberedKey(12)

const unsigned = unsignedPublish({ topic: 'a', body: Uint8Array.of(1), timeMs }, crypto)
const enroll = (key: TestKey, name: string, claimed = key.thumbprint): RecordWithBody => ({
  record: keyEventRecord({ action: 'enroll', thumbprint: claimed, key: publicOf(key), name }, admin, timeMs),
  body: undefined,
})
const revoke = (key: TestKey): RecordWithBody => ({
  record: keyEventRecord({ action: 'revoke', thumbprint: key.thumbprint }, admin, timeMs),
  body: undefined,
})

/** A signed publish under a sequence number. */
export function signed(seq: number, more: Partial<PublishToSign> = {}, key: TestKey = key11): RecordWithBody {
  const publish = { topic, payload: hex('32312e35'), seq, timeMs: startMs, ...more }
  return signedPublish(signPublish(key, key.thumbprint, publish, crypto), publish.topic, key.thumbprint, timeMs, crypto)
}

const good = signed(1)

/** The good record with some fields replaced, undefined ones left out. */
function altered(changes: { readonly [K in keyof ChainRecord]?: ChainRecord[K] | undefined }): RecordWithBody {
  const fields = Object.entries({ ...good.record, ...changes }).filter(([, value]) => value !== undefined)
  return { record: Object.fromEntries(fields) as unknown as ChainRecord, body: good.body }
}

/** A record that calls an envelope signed which is not, with everything else in agreement. */
function claimed(message: Uint8Array, more: Partial<ChainRecord> = {}): RecordWithBody {
  return signedPublish(message, topic, thumbprint, timeMs, crypto, more)
}

const digestFor = (other: string) =>
  crypto.sha256(sigStructure(example.protectedBytes, externalAad(other), hex('32312e35')))
const brokenSignature = (good.record.envelope as Uint8Array).map((byte, i, all) =>
  i === all.length - 1 ? byte ^ 1 : byte,
)
const withAlg = (alg: number) => signedEnvelope({ protectedHeaders: headersWith([[1, alg]]) }, crypto)

/** The golden chain up to block 1, which enrolls key "11", then these records as block 2. */
function scenario(
  name: string,
  cause: ChainFault,
  index: number,
  records: readonly (RecordWithBody | BlockEntry)[],
): FaultScenario {
  const chain = goldenChain(2)
  const entries = records.map((r) => ('leaf' in r ? r : chain.entry(r.record, r.body)))
  chain.appendForged({ entries, timeMs })
  return { name, finds: [cause, 2, index], blocks: chain.blocks }
}

const malformed = (record: string) => goldenChain(2).entry(hex(record), undefined, timeMs)
const publishThen = (...records: readonly RecordWithBody[]) => [unsigned, ...records]

const bodies: readonly FaultScenario[] = [
  {
    name: 'a body that was changed',
    finds: ['payload-mismatch', 1, 2],
    blocks: goldenChain(2).blocks.map((block, i) => (i === 1 ? withEntry(block, 1, { body: hex('00000000') }) : block)),
  },
  {
    name: 'a body beside a key event',
    finds: ['payload-mismatch', 1, 1],
    blocks: goldenChain(2).blocks.map((block, i) => (i === 1 ? withEntry(block, 0, { body: hex('') }) : block)),
  },
]

export const faultsOfRecords: readonly FaultScenario[] = [
  scenario('a record of an unknown kind', 'record-malformed', 3, [malformed('a3 0001 010b 0200')]),
  scenario('a record with a byte after it', 'record-malformed', 4, [
    unsigned,
    goldenChain(2).entry(Uint8Array.of(...encodeRecord(unsigned.record), 0), unsigned.body, timeMs),
  ]),
  ...bodies,
  scenario('a publish whose size is another', 'payload-mismatch', 3, [altered({ payloadSize: 5 })]),
  scenario('a publish without payload hash', 'payload-mismatch', 3, [altered({ payloadSha256: undefined })]),
  scenario('a publish without payload size', 'payload-mismatch', 3, [altered({ payloadSize: undefined })]),

  scenario('a key enrolled twice', 'key-event-invalid', 4, publishThen(enroll(key11, 'sensor-2'))),
  scenario('a name given twice', 'key-event-invalid', 3, [enroll(key12, 'sensor-1')]),
  scenario('a key enrolled again after its revocation', 'key-event-invalid', 4, [revoke(key11), enroll(key11, 'new')]),
  scenario('a name given again after the revocation', 'key-event-invalid', 4, [
    revoke(key11),
    enroll(key12, 'sensor-1'),
  ]),
  scenario('an unknown key revoked', 'key-event-invalid', 3, [revoke(key12)]),
  scenario('a key revoked twice', 'key-event-invalid', 4, [revoke(key11), revoke(key11)]),
  scenario('a key enrolled under the thumbprint of another', 'key-event-invalid', 3, [
    enroll(key12, 'x', keyMeriadoc.thumbprint),
  ]),
  scenario('a key event without detail', 'key-event-invalid', 3, [
    { record: { kind: 'key', timeMs, thumbprint }, body: undefined },
  ]),

  scenario('a publish signed by a key never enrolled', 'signer-not-valid', 3, [signed(1, {}, key12)]),
  scenario('a publish signed by a key enrolled after it', 'signer-not-valid', 3, [
    signed(1, {}, key12),
    enroll(key12, 'x'),
  ]),
  scenario('a publish signed by a key revoked before it', 'signer-not-valid', 4, [revoke(key11), good]),
  scenario('a signed publish that names no key', 'signer-not-valid', 3, [altered({ thumbprint: undefined })]),

  scenario('the same publish twice', 'seq-repeated', 4, [good, good]),
  scenario('two publishes under one sequence number', 'seq-repeated', 4, [good, signed(1, { payload: hex('00') })]),
  scenario('a publish below the window', 'seq-repeated', 4, [signed(1025), signed(1)]),
  scenario('a signed publish without sequence number', 'seq-repeated', 3, [altered({ seq: undefined })]),

  scenario('a signature that was changed', 'signature-invalid', 3, [altered({ envelope: brokenSignature })]),
  scenario('a signature for another topic', 'signature-invalid', 3, [
    altered({ topic: 'plant/2/temp', contentDigest: digestFor('plant/2/temp') }),
  ]),
  scenario('a signature by another key', 'signature-invalid', 3, [claimed(signedEnvelope({ key: key12 }, crypto))]),
  scenario('an algorithm that the key does not have', 'signature-invalid', 3, [claimed(withAlg(-19))]),
  scenario('a content digest of something else', 'signature-invalid', 3, [altered({ contentDigest: digestFor('x') })]),
  scenario('a record that names another sequence number', 'signature-invalid', 3, [altered({ seq: 2 })]),
  scenario('a record that names another signed time', 'signature-invalid', 3, [altered({ signedTimeMs: 1 })]),
  scenario('a record that names another key', 'signature-invalid', 4, [
    enroll(key12, 'x'),
    altered({ thumbprint: key12.thumbprint }),
  ]),
  scenario('a valid signature under the kid of another key', 'signature-invalid', 4, [
    enroll(key12, 'x'),
    claimed(signedEnvelope({ key: key12 }, crypto), { thumbprint: key12.thumbprint }),
  ]),
  scenario('a signed record without topic', 'signature-invalid', 3, [altered({ topic: undefined })]),
  scenario('a signed record without envelope', 'signature-invalid', 3, [altered({ envelope: undefined })]),
  scenario('an envelope that is none', 'signature-invalid', 3, [altered({ envelope: hex('00') })]),
  scenario('an envelope that still has its payload', 'signature-invalid', 3, [altered({ envelope: exampleSign1 })]),
  scenario('the first of two bad signatures', 'signature-invalid', 3, [
    altered({ envelope: brokenSignature }),
    claimed(signedEnvelope({ key: key12 }, crypto), { seq: 2 }),
  ]),
  scenario('a bad signature before a key event that is wrong too', 'signature-invalid', 3, [
    altered({ envelope: brokenSignature }),
    revoke(key12),
  ]),
]
