import {
  type ChainFault,
  type ChainRecord,
  configRecord,
  damageRecord,
  evidenceOf,
  externalAad,
  type KeyEvent,
  keyEventRecord,
  parseAttachedEnvelope,
  publishProtectedHeaders,
  type RecordWithBody,
  type Requester,
  recoveryRecord,
  type SessionEvent,
  seqReuseRecord,
  sessionRecord,
  signProofOfPossession,
  signPublish,
  signSign1,
  sigStructure,
} from '../../../protocol/index.ts'
import type { FaultScenario } from '../../helpers/faults.ts'
import { genesis, goldenChain, signedPublish, startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { key11, numberedKey, publicOf, type TestKey } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

// Records of the kinds beside publish and genesis, and what a key may do: both sides, honest and not.

const { crypto } = goldenChain()
const timeMs = startMs + 2000
const admin: Requester = { clientId: 'admin-1', auth: 'password' }
const device: Requester = { clientId: 'sensor-1', auth: 'none', listener: 'mqtt://127.0.0.1:1883' }
const topic = 'plant/1/temp'
const requestTopic = '$notary/key-exchange/request'
const key12 = numberedKey(12)
const { thumbprint } = key11

const keyEvent = (event: KeyEvent): RecordWithBody => ({
  record: keyEventRecord(event, admin, timeMs),
  body: undefined,
})
const restrict = (restrictions: object) => keyEvent({ action: 'restrict', thumbprint, restrictions })
const retire = (lastIndex: number, key: TestKey = key11) =>
  keyEvent({ action: 'retire', thumbprint: key.thumbprint, lastIndex })
const revoke = keyEvent({ action: 'revoke', thumbprint })
const enroll = (more: object) =>
  keyEvent({ action: 'enroll', thumbprint: key12.thumbprint, key: publicOf(key12), name: 'sensor-2', ...more })
const unsigned = unsignedPublish({ topic: 'a', body: Uint8Array.of(1), timeMs }, crypto)

/** A signed publish by key "11", with other record fields where given. */
function signed(seq: number, payload: string, more: Partial<ChainRecord> = {}, on = topic): RecordWithBody {
  const publish = { topic: on, payload: hex(payload), seq, timeMs: startMs }
  return signedPublish(signPublish(key11, thumbprint, publish, crypto), on, thumbprint, timeMs, crypto, more)
}
const will = (seq: number, payload: string) => signed(seq, payload, { outcome: 'will' })

/** A session that key "11" asked for under a sequence number. */
function session(seq: number, more: Partial<SessionEvent> = {}, key: TestKey = key11): RecordWithBody {
  const headers = publishProtectedHeaders(thumbprint.subarray(0, 8), seq, startMs)
  const payload = hex('a0')
  const event: SessionEvent = {
    thumbprint,
    seq,
    signedTimeMs: startMs,
    contentDigest: crypto.sha256(sigStructure(headers, externalAad(requestTopic), payload)),
    request: signSign1(key, headers, externalAad(requestTopic), payload, crypto),
    sid: hex('0102030405060708'),
    expiryMs: startMs + 1000,
    responseDigest: new Uint8Array(32),
    ...more,
  }
  return { record: sessionRecord(event, device, timeMs), body: undefined }
}

const evidence = (payload: string, seq: number, on = topic, key: TestKey = key11) => {
  const message = signPublish(key, thumbprint, { topic: on, payload: hex(payload), seq, timeMs: startMs }, crypto)
  const envelope = parseAttachedEnvelope(message)
  if (envelope === undefined) throw new Error('not an envelope')
  return { topic: on, ...envelope }
}
const digestOf = ({ topic: on, sign1, payload }: ReturnType<typeof evidence>) =>
  crypto.sha256(sigStructure(sign1.protectedBytes, externalAad(on), payload))

/** The reuse of number 1, accepted at index 3 with payload 00 and refused with payload 01. */
function reuse(
  accepted = evidence('00', 1),
  refused = evidence('01', 1, 'plant/2/temp'),
  more: Partial<Parameters<typeof seqReuseRecord>[0]> = {},
): RecordWithBody {
  const event = {
    thumbprint,
    seq: 1,
    signedTimeMs: startMs,
    contentDigest: digestOf(refused),
    acceptedIndex: 3,
    acceptedTopic: accepted.topic,
    refusedTopic: refused.topic,
    ...evidenceOf(accepted, refused),
    ...more,
  }
  return { record: seqReuseRecord(event, device, timeMs), body: undefined }
}
const large = (byte: number) => evidence(Buffer.alloc(200_000, byte).toString('hex'), 1)

function chainOf(records: readonly RecordWithBody[]) {
  const chain = goldenChain(2)
  chain.appendForged({ entries: records.map(({ record, body }) => chain.entry(record, body)), timeMs })
  return chain.blocks
}

/** The golden chain up to block 1, which enrolls key "11", then these records from index 3 on. */
function scenario(name: string, cause: ChainFault, index: number, records: readonly RecordWithBody[]): FaultScenario {
  return { name, finds: [cause, 2, index], blocks: chainOf(records) }
}

/** The record with fields changed, undefined ones left out. */
function altered({ record, body }: RecordWithBody, changes: object): RecordWithBody {
  const fields = Object.entries({ ...record, ...changes }).filter(([, value]) => value !== undefined)
  return { record: Object.fromEntries(fields) as unknown as ChainRecord, body }
}

const mac = { sid: hex('0102030405060708'), tag: new Uint8Array(32), sessionThumbprint: thumbprint }
const configured = {
  record: configRecord({ digest: new Uint8Array(32), occasion: 'start' }, admin, timeMs),
  body: undefined,
}
const damaged = {
  record: damageRecord({ firstIndex: 0, lastIndex: 2, cause: 'payload-mismatch' }, timeMs),
  body: undefined,
}
const recovery = { record: recoveryRecord([[thumbprint, 7]], admin, timeMs), body: undefined }
const proof = signProofOfPossession(key12, genesis.origin, crypto)

export const honestKinds: readonly (readonly [name: string, records: readonly RecordWithBody[]])[] = [
  [
    'that restricts a key, which signs within',
    [restrict({ topics: ['plant/#'], clients: ['sensor-*'] }), signed(1, '00')],
  ],
  ['whose key signs up to its last index', [retire(4), signed(1, '00')]],
  [
    'that replaces a key, with a proof of possession',
    [enroll({ proof, replaces: thumbprint }), retire(6), signed(1, '00')],
  ],
  [
    'in which a restriction counts proven usernames',
    [restrict({ users: ['ann'] }), signed(1, '00', { username: 'ann', auth: 'password' })],
  ],
  ['in which a key exchange takes a sequence number', [session(1), signed(2, '00')]],
  ['in which a restricted key agrees on a session', [restrict({ topics: ['x'] }), session(1)]],
  ['that says which configuration governs', [configured]],
  ['that says what was damaged', [damaged]],
  ['in which a signed will fires twice, far below the window', [signed(5000, '00'), will(1, '01'), will(1, '01')]],
  ['in which an unsigned will fires', [altered(unsigned, { outcome: 'will' })]],
  ['with a hop MAC and another stored topic', [signed(1, '00', { mac, storedTopic: 'remote/plant/1/temp' })]],
  ['that shows a reused sequence number', [signed(1, '00'), reuse()]],
  [
    'that shows a reused sequence number of large publishes',
    [signed(1, Buffer.alloc(200_000, 1).toString('hex')), reuse(large(1), large(2))],
  ],
].map(([name, records]) => [name as string, records as readonly RecordWithBody[]] as const)

/** The honest chains as blocks. */
export const honestChains = honestKinds.map(([name, records]) => [name, chainOf(records)] as const)

export const faultsOfKinds: readonly FaultScenario[] = [
  scenario('a topic that the key may not sign for', 'signer-restricted', 4, [
    restrict({ topics: ['x/#'] }),
    signed(1, '00'),
  ]),
  scenario('a client that may not use the key', 'signer-restricted', 4, [
    restrict({ clients: ['x*'] }),
    signed(1, '00'),
  ]),
  scenario('a username that was only claimed', 'signer-restricted', 4, [
    restrict({ users: ['ann'] }),
    signed(1, '00', { username: 'ann' }),
  ]),
  scenario('a session by a client that may not use the key', 'signer-restricted', 4, [
    restrict({ clients: ['x'] }),
    session(1),
  ]),
  scenario('a publish after the last index of its key', 'signer-not-valid', 5, [retire(4), unsigned, signed(1, '00')]),
  scenario('a session after the last index of its key', 'signer-not-valid', 4, [retire(3), session(1)]),
  scenario('a signed will of a revoked key', 'signer-not-valid', 4, [revoke, will(1, '00')]),
  scenario('a signed will that names no key', 'signer-not-valid', 3, [
    altered(will(1, '00'), { thumbprint: undefined }),
  ]),
  scenario('a number below a window that was made smaller', 'seq-repeated', 5, [
    restrict({ window: 64 }),
    signed(100, '00'),
    signed(36, '00'),
  ]),
  scenario('a number that a key exchange had', 'seq-repeated', 4, [session(1), signed(1, '00')]),
  scenario('two wills under one number', 'seq-repeated', 4, [will(1, '00'), will(1, '01')]),
  scenario('a will whose signature is for another topic', 'signature-invalid', 3, [
    altered(will(1, '00'), { topic: 'x' }),
  ]),
  scenario('a session that another key asked for', 'signature-invalid', 3, [session(1, {}, key12)]),
  scenario('a session whose request names another number', 'signature-invalid', 3, [altered(session(1), { seq: 2 })]),
  scenario('a session on another topic', 'record-malformed', 3, [altered(session(1), { topic })]),
  scenario('a session without detail', 'record-malformed', 3, [altered(session(1), { detail: undefined })]),
  scenario('a configuration without digest', 'record-malformed', 3, [altered(configured, { detail: new Map() })]),
  scenario('a stored topic that is the published one', 'record-malformed', 3, [
    signed(1, '00', { storedTopic: topic }),
  ]),
  scenario('a damage without detail', 'record-malformed', 3, [altered(damaged, { detail: new Map() })]),
  scenario('a hop MAC beside a configuration', 'record-malformed', 3, [altered(configured, { mac })]),
  scenario('a retirement into the past', 'key-event-invalid', 3, [retire(2)]),
  scenario('a key retired twice', 'key-event-invalid', 4, [retire(9), retire(9)]),
  scenario('an unknown key retired', 'key-event-invalid', 3, [retire(9, key12)]),
  scenario('a revoked key restricted', 'key-event-invalid', 4, [revoke, restrict({ window: 64 })]),
  scenario('an unknown key replaced', 'key-event-invalid', 3, [enroll({ replaces: numberedKey(13).thumbprint })]),
  scenario('a proof of possession for another log', 'key-event-invalid', 3, [
    enroll({ proof: signProofOfPossession(key12, 'elsewhere', crypto) }),
  ]),
  scenario('a proof of possession by another key', 'key-event-invalid', 3, [
    enroll({ proof: signProofOfPossession(key11, genesis.origin, crypto) }),
  ]),
  scenario('restrictions with an empty list', 'key-event-invalid', 3, [restrict({ topics: [] })]),
  scenario('a recovery in a log that continues no other', 'recovery-invalid', 3, [recovery]),
  scenario('a reuse shown twice', 'seq-reuse-invalid', 5, [signed(1, '00'), reuse(), reuse()]),
  scenario('a reuse of a number that nobody used', 'seq-reuse-invalid', 3, [reuse()]),
  scenario('a reuse that names another record', 'seq-reuse-invalid', 4, [
    signed(1, '00'),
    reuse(undefined, undefined, { acceptedIndex: 2 }),
  ]),
  scenario('a reuse with the content that was accepted', 'seq-reuse-invalid', 4, [
    signed(1, '00'),
    reuse(evidence('00', 1), evidence('00', 1)),
  ]),
  scenario('a reuse that another key signed', 'seq-reuse-invalid', 4, [
    signed(1, '00'),
    reuse(evidence('00', 1), evidence('01', 1, topic, key12)),
  ]),
  scenario('a reuse whose accepted envelope is another', 'seq-reuse-invalid', 4, [
    signed(1, '00'),
    reuse(evidence('02', 1)),
  ]),
  scenario('a large reuse whose refused envelope is of another number', 'seq-reuse-invalid', 4, [
    signed(1, Buffer.alloc(200_000, 1).toString('hex')),
    reuse(large(1), large(2), {
      refused: evidenceOf(large(1), evidence(Buffer.alloc(200_000, 2).toString('hex'), 2)).refused,
    }),
  ]),
  scenario('a reuse with one payload of two', 'seq-reuse-invalid', 4, [
    signed(1, '00'),
    reuse(undefined, undefined, { accepted: evidenceOf(large(1), large(2)).accepted }),
  ]),
]
