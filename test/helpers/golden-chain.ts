import {
  type ChainRecord,
  type CryptoProvider,
  configRecord,
  damageRecord,
  type ErasureEvent,
  ed25519NoteSigner,
  encodeSign1,
  erasureRecord,
  evidenceOf,
  externalAad,
  fromHex,
  type Genesis,
  genesisRecord,
  type KeySeq,
  keyEventRecord,
  kidOf,
  type P256PrivateKey,
  parseAttachedEnvelope,
  publishProtectedHeaders,
  type RecordWithBody,
  recoveryRecord,
  type SeqReuseEvent,
  type SessionEvent,
  seqReuseRecord,
  sessionRecord,
  signCheckpoint,
  signProofOfPossession,
  signPublish,
  signSign1,
  sigStructure,
} from '../../protocol/index.ts'
import { TestChain } from './chain.ts'
import { countingCrypto } from './crypto.ts'
import { example, exampleSign1 } from './envelopes.ts'
import { key11, keyMeriadoc, logPublicKey, numberedKey, publicOf } from './keys.ts'
import { ed25519Key } from './notes.ts'

// The chain of `docs/chain.md`, from which its golden bytes come. Change anything here and the document is wrong.

const ascii = (text: string) => new TextEncoder().encode(text)

/** 2026-01-01T00:00:00Z, when the log of the example begins. */
export const startMs = 1_767_225_600_000
export const listener = 'mqtt://127.0.0.1:1883'
export const genesis: Genesis = { origin: 'example.com/plant', brokerKey: publicOf(keyMeriadoc), logKey: logPublicKey }

/** A record of an unsigned publish. */
export function unsignedPublish(
  publish: { readonly topic: string; readonly body: Uint8Array; readonly timeMs: number },
  crypto: CryptoProvider,
  more: Partial<ChainRecord> = {},
): RecordWithBody {
  const { topic, body, timeMs } = publish
  const record: ChainRecord = {
    kind: 'publish',
    timeMs,
    topic,
    clientId: 'door-1',
    auth: 'none',
    listener,
    qos: 1,
    retain: false,
    payloadSha256: crypto.sha256(body),
    payloadSize: body.length,
    outcome: 'unsigned',
    ...more,
  }
  return { record, body }
}

/**
 * The record of a signed publish, as the broker makes it of the envelope that came in.
 * @param thumbprint the signer's, 32 bytes
 */
export function signedPublish(
  message: Uint8Array,
  topic: string,
  thumbprint: Uint8Array,
  timeMs: number,
  crypto: CryptoProvider,
  more: Partial<ChainRecord> = {},
): RecordWithBody {
  const envelope = parseAttachedEnvelope(message)
  if (envelope === undefined) throw new Error('not an envelope')
  const { sign1, seq, payload } = envelope
  const signed = sigStructure(sign1.protectedBytes, externalAad(topic), payload)
  const record: ChainRecord = {
    kind: 'publish',
    timeMs,
    topic,
    clientId: 'sensor-1',
    auth: 'none',
    listener,
    qos: 1,
    retain: false,
    payloadSha256: crypto.sha256(payload),
    payloadSize: payload.length,
    outcome: 'signed',
    thumbprint,
    seq,
    signedTimeMs: envelope.timeMs,
    contentDigest: crypto.sha256(signed),
    envelope: encodeSign1(sign1, undefined),
    ...more,
  }
  return { record, body: payload }
}

const admin = { clientId: 'admin-1', username: 'alice', auth: 'password', listener } as const

/** Every kind of record of this version, by the name that the document gives it. */
export function goldenRecords(crypto: CryptoProvider): Record<GoldenRecord, RecordWithBody> {
  const enrolled = { action: 'enroll', thumbprint: key11.thumbprint, key: publicOf(key11), name: 'sensor-1' } as const
  const revoked = { action: 'revoke', thumbprint: key11.thumbprint, reason: 'stolen' } as const
  const door = { topic: 'plant/1/door', body: ascii('open'), timeMs: startMs + 1000 }
  const weather = { topic: 'plant/weather', body: ascii('rain'), timeMs: startMs + 2000 }
  const properties = new Map<number, string | readonly (readonly [string, string])[]>([
    [3, 'text/plain'],
    [38, [['unit', 'none']]],
  ])
  const { thumbprint } = key11
  const restrictions = { clients: ['sensor-*'], topics: ['plant/#'], window: 4096 }
  const proof = signProofOfPossession(key12, genesis.origin, crypto)
  const replacing = {
    action: 'enroll',
    thumbprint: key12.thumbprint,
    key: publicOf(key12),
    name: 'sensor-1b',
    restrictions,
    proof,
    replaces: thumbprint,
  } as const
  const mac = { sid: example.session.sid, tag: example.macTag, sessionThumbprint: thumbprint }
  const bridged = { mac, storedTopic: 'site-7/plant/1/temp' }
  return {
    genesis: { record: genesisRecord(genesis, startMs), body: undefined },
    'key-enroll': { record: keyEventRecord(enrolled, admin, startMs + 1000), body: undefined },
    'publish-unsigned': unsignedPublish(door, crypto),
    'publish-signed': signedPublish(exampleSign1, 'plant/1/temp', key11.thumbprint, startMs + 2000, crypto),
    'publish-mqtt5': unsignedPublish(weather, crypto, { properties, retain: true, qos: 0, username: 'bob' }),
    'key-revoke': { record: keyEventRecord(revoked, admin, startMs + 3000), body: undefined },
    'key-restrict': noBody(keyEventRecord({ action: 'restrict', thumbprint, restrictions }, admin, laterMs)),
    'key-replace': noBody(keyEventRecord(replacing, admin, laterMs)),
    'key-retire': noBody(keyEventRecord({ action: 'retire', thumbprint, lastIndex: 1000 }, admin, laterMs)),
    'publish-bridged': signedPublish(exampleSign1, 'plant/1/temp', thumbprint, laterMs, crypto, bridged),
    session: noBody(sessionRecord(goldenSession(crypto), device, laterMs)),
    config: noBody(
      configRecord({ digest: crypto.sha256(ascii('policy')), occasion: 'start' }, { auth: 'none' }, laterMs),
    ),
    'seq-reuse': noBody(seqReuseRecord(goldenReuse(crypto), device, laterMs)),
    damage: noBody(damageRecord({ firstIndex: 3, lastIndex: 4, cause: 'payload-mismatch' }, laterMs)),
    'damage-tile': noBody(damageRecord({ firstIndex: 512, lastIndex: 767, cause: 'tile-mismatch', tile }, laterMs)),
    erasure: noBody(erasureRecord(goldenErasure, admin, laterMs)),
    'genesis-after-recovery': noBody(genesisRecord(goldenNextGenesis(crypto), laterMs)),
    recovery: noBody(recoveryRecord(goldenSeqs, { auth: 'none', username: 'root' }, laterMs)),
  }
}

const laterMs = startMs + 4000
const tile = { level: 0, index: 2, isRepaired: true }
const oldLogKey = ed25519Key(1)
const device = { clientId: 'sensor-1', auth: 'none', listener } as const
const key12 = numberedKey(12)

/** What the publisher had used at the end of the example. */
export const goldenSeqs: readonly KeySeq[] = [[key11.thumbprint, 1]]

/** Root of the tree of all six records: it stands in the header of block 3. */
const lastRoot = 'ff96e2124b81b3fd9ad43e01b0b6803b0d0bb787daba2b965f122078d7d3fb51'

/** The last checkpoint of the example, by a log key whose private half is at hand. */
export function goldenCheckpoint(crypto: CryptoProvider): string {
  const signer = ed25519NoteSigner(genesis.origin, oldLogKey, crypto)
  return signCheckpoint({ origin: genesis.origin, treeSize: 6n, rootHash: fromHex(lastRoot) }, signer)
}

/** The log that takes the place of the example. */
function goldenNextGenesis(crypto: CryptoProvider): Genesis {
  const continues = { note: goldenCheckpoint(crypto), brokerKey: publicOf(keyMeriadoc), logKey: oldLogKey.publicKey }
  return { origin: 'example.com/plant/log-2', brokerKey: publicOf(numberedKey(13)), logKey: logPublicKey, continues }
}

function noBody(record: ChainRecord): RecordWithBody {
  return { record, body: undefined }
}

/** Both publishes of plant/1, as somebody asked for it. */
const goldenErasure: ErasureEvent = {
  what: 'records',
  ranges: [[2, 3]],
  reason: 'plant 1 was sold',
  seqs: [{ thumbprint: key11.thumbprint, highest: 1 }],
}

/** A session that key "11" asked for under number 2; what is inside the request does not matter here. */
function goldenSession(crypto: CryptoProvider): SessionEvent {
  const headers = publishProtectedHeaders(kidOf(key11.thumbprint), 2, startMs)
  const aad = externalAad('$notary/key-exchange/request')
  const payload = Uint8Array.of(0xa0)
  return {
    thumbprint: key11.thumbprint,
    seq: 2,
    signedTimeMs: startMs,
    contentDigest: crypto.sha256(sigStructure(headers, aad, payload)),
    request: signSign1(key11, headers, aad, payload, crypto),
    sid: example.session.sid,
    expiryMs: startMs + 86_400_000,
    responseDigest: crypto.sha256(ascii('response')),
  }
}

/** Key "11" signed "99" under the number of the worked example, too. */
function goldenReuse(crypto: CryptoProvider): SeqReuseEvent {
  const publish = { topic: example.topic, payload: ascii('99'), seq: 1, timeMs: startMs }
  const refused = parseAttachedEnvelope(signPublish(key11, key11.thumbprint, publish, crypto))
  const accepted = parseAttachedEnvelope(exampleSign1)
  if (refused === undefined || accepted === undefined) throw new Error('not an envelope')
  const { topic } = example
  return {
    thumbprint: key11.thumbprint,
    seq: 1,
    signedTimeMs: startMs,
    contentDigest: crypto.sha256(sigStructure(refused.sign1.protectedBytes, externalAad(topic), refused.payload)),
    acceptedIndex: 3,
    acceptedTopic: topic,
    refusedTopic: topic,
    ...evidenceOf({ ...accepted, topic }, { ...refused, topic }),
  }
}

export type GoldenRecord =
  | 'genesis'
  | 'key-enroll'
  | 'publish-unsigned'
  | 'publish-signed'
  | 'publish-mqtt5'
  | 'key-revoke'
  | 'key-restrict'
  | 'key-replace'
  | 'key-retire'
  | 'publish-bridged'
  | 'session'
  | 'config'
  | 'seq-reuse'
  | 'damage'
  | 'damage-tile'
  | 'erasure'
  | 'genesis-after-recovery'
  | 'recovery'

/**
 * Four blocks, six records: broker key "meriadoc", publisher key "11", salts 000102..., signatures by RFC 6979.
 * @param blocks how many of them, for chains that go on in another way
 * @param named what the genesis says, and whose key signs, for chains that somebody else has the keys of
 */
export function goldenChain(blocks = 4, named = genesis, brokerKey: P256PrivateKey = keyMeriadoc): TestChain {
  const chain = new TestChain(brokerKey, countingCrypto())
  const records = goldenRecords(chain.crypto)
  const commits = [
    [noBody(genesisRecord(named, startMs))],
    [records['key-enroll'], records['publish-unsigned']],
    [records['publish-signed'], records['publish-mqtt5']],
    [records['key-revoke']],
  ]
  for (const [height, commit] of commits.slice(0, blocks).entries()) chain.append(commit, startMs + 1000 * height)
  return chain
}
