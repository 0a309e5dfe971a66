import {
  type ChainRecord,
  type CryptoProvider,
  encodeSign1,
  externalAad,
  type Genesis,
  genesisRecord,
  keyEventRecord,
  parseAttachedEnvelope,
  type RecordWithBody,
  sigStructure,
} from '../../protocol/index.ts'
import { TestChain } from './chain.ts'
import { countingCrypto } from './crypto.ts'
import { exampleSign1 } from './envelopes.ts'
import { key11, keyMeriadoc, logPublicKey, publicOf } from './keys.ts'

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
  return {
    genesis: { record: genesisRecord(genesis, startMs), body: undefined },
    'key-enroll': { record: keyEventRecord(enrolled, admin, startMs + 1000), body: undefined },
    'publish-unsigned': unsignedPublish(door, crypto),
    'publish-signed': signedPublish(exampleSign1, 'plant/1/temp', key11.thumbprint, startMs + 2000, crypto),
    'publish-mqtt5': unsignedPublish(weather, crypto, { properties, retain: true, qos: 0, username: 'bob' }),
    'key-revoke': { record: keyEventRecord(revoked, admin, startMs + 3000), body: undefined },
  }
}

export type GoldenRecord =
  | 'genesis'
  | 'key-enroll'
  | 'publish-unsigned'
  | 'publish-signed'
  | 'publish-mqtt5'
  | 'key-revoke'

/**
 * Four blocks, six records: broker key "meriadoc", publisher key "11", salts 000102..., signatures by RFC 6979.
 * @param blocks how many of them, for chains that go on in another way
 */
export function goldenChain(blocks = 4): TestChain {
  const chain = new TestChain(keyMeriadoc, countingCrypto())
  const records = goldenRecords(chain.crypto)
  const commits = [
    [records.genesis],
    [records['key-enroll'], records['publish-unsigned']],
    [records['publish-signed'], records['publish-mqtt5']],
    [records['key-revoke']],
  ]
  for (const [height, commit] of commits.slice(0, blocks).entries()) chain.append(commit, startMs + 1000 * height)
  return chain
}
