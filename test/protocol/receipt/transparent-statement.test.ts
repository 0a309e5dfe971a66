import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  attachReceipts,
  type ChainRecord,
  commitmentOf,
  encodeLeaf,
  encodeRecord,
  encodeSign1,
  externalAad,
  inclusionReceipt,
  isTransparentPublishValid,
  type LoggedPublish,
  leafHash,
  parseAttachedEnvelope,
  parseSign1,
  sigStructure,
  takeReceipts,
  toHex,
} from '../../../protocol/index.ts'
import { withBitFlipped } from '../../helpers/bits.ts'
import { throwsCode } from '../../helpers/codes.ts'
import { example, exampleSign1, signedEnvelope } from '../../helpers/envelopes.ts'
import { key11, keyMeriadoc, publicOf } from '../../helpers/keys.ts'
import { naiveInclusion, numberedLeafHashes } from '../../helpers/naive-tree.ts'
import { receiptTrust, signedRootOf } from '../../helpers/receipts.ts'
import { hex } from '../../helpers/vectors.ts'

const { sha256 } = nativeCrypto
const salt = new Uint8Array(16).fill(0xaa)
const sign1 = parseSign1(exampleSign1)
const record: ChainRecord = {
  kind: 'publish',
  timeMs: example.timeMs + 5,
  topic: example.topic,
  clientId: 'device',
  auth: 'none',
  listener: 'mqtt://127.0.0.1:1883',
  qos: 1,
  retain: false,
  payloadSha256: sha256(example.payload),
  payloadSize: example.payload.length,
  outcome: 'signed',
  thumbprint: key11.thumbprint,
  seq: example.seq,
  signedTimeMs: example.timeMs,
  contentDigest: sha256(sigStructure(sign1.protectedBytes, externalAad(example.topic), example.payload)),
  envelope: encodeSign1(sign1, undefined),
}

/** The record in a tree of seven leaves, with a receipt for it. */
function logged(entry: ChainRecord): LoggedPublish & { readonly receipt: Uint8Array } {
  const encoded = encodeRecord(entry)
  const commitment = commitmentOf(salt, encoded, nativeCrypto)
  const leaves = [...numberedLeafHashes(4), leafHash(encodeLeaf({ timeMs: entry.timeMs, commitment }), nativeCrypto)]
  leaves.push(...numberedLeafHashes(2))
  const receipt = inclusionReceipt(signedRootOf(leaves), { leafIndex: 4n, path: naiveInclusion(4, leaves) })
  return { record: encoded, salt, receipt }
}

const { receipt, ...entry } = logged(record)
const statement = attachReceipts(exampleSign1, [receipt])
const isValid = (message: Uint8Array, publish: LoggedPublish = entry, key = publicOf(key11), trust = receiptTrust) =>
  isTransparentPublishValid(message, publish, key, trust, nativeCrypto)

describe('receipts of a statement', () => {
  test('are taken off again as they were attached, and leave the statement as it was', () => {
    const taken = takeReceipts(statement)
    assert.equal(toHex(taken.statement), toHex(exampleSign1))
    assert.deepEqual(taken.receipts.map(toHex), [toHex(receipt)])
    assert.deepEqual(takeReceipts(exampleSign1).receipts, [])
  })
  test('stand behind those that are there, in a list under label 394', () => {
    const two = attachReceipts(statement, [Uint8Array.of(1)])
    assert.deepEqual(parseSign1(two).unprotectedHeaders, new Map([[394, [receipt, Uint8Array.of(1)]]]))
  })
  test('leave a publish an envelope', () => {
    assert.equal(parseAttachedEnvelope(statement)?.seq, example.seq)
  })
  test('are from 1 to 16', () => {
    assert.throws(() => attachReceipts(exampleSign1, []), RangeError)
    assert.throws(
      () =>
        attachReceipts(
          exampleSign1,
          Array.from({ length: 17 }, () => receipt),
        ),
      RangeError,
    )
  })
  test('are refused as a map, empty, of anything but bytes, too many, or beside other headers', () => {
    const unprotected = [
      'a1 19018a a1 01 4100',
      'a1 19018a 80',
      'a1 19018a 81 01',
      'a2 04 4101 19018a 81 4101',
      'a1 04 4101',
    ]
    unprotected.push(`a1 19018a 91 ${'40'.repeat(17)}`)
    for (const headers of unprotected) {
      const message = encodeSign1({ ...sign1, unprotectedBytes: hex(headers) }, sign1.payload)
      throwsCode(() => takeReceipts(message), 'ERR_COSE_MALFORMED', headers)
      throwsCode(() => attachReceipts(message, [receipt]), 'ERR_COSE_MALFORMED', headers)
    }
  })
})

describe('a transparent publish', () => {
  test('proves that the key signed it and the log holds it', async () => {
    assert.equal(await isValid(statement), true)
  })
  test('proves it in the detached carrier too, with the payload beside it', async () => {
    const detached = encodeSign1(parseSign1(statement), undefined)
    assert.equal(await isValid(detached, { ...entry, payload: example.payload }), true)
    assert.equal(await isValid(detached, entry), false)
    assert.equal(await isValid(detached, { ...entry, payload: Uint8Array.of(1) }), false)
  })
  test('proves it when one receipt is of the log, whatever the others are', async () => {
    assert.equal(await isValid(attachReceipts(exampleSign1, [Uint8Array.of(1), receipt])), true)
  })
  test('proves nothing without a receipt, to whom trusts another log, or expects another publisher', async () => {
    assert.equal(await isValid(exampleSign1), false)
    assert.equal(await isValid(statement, entry, publicOf(key11), { ...receiptTrust, issuer: 'other' }), false)
    assert.equal(await isValid(statement, entry, publicOf(keyMeriadoc)), false)
  })
  test('with any single bit of statement, receipt, record or salt flipped proves nothing', async () => {
    for (let bit = 0; bit < statement.length * 8; bit++) {
      assert.equal(await isValid(withBitFlipped(statement, bit)), false, `statement, bit ${bit}`)
    }
    for (let bit = 0; bit < entry.record.length * 8; bit++) {
      const altered = { ...entry, record: withBitFlipped(entry.record, bit) }
      assert.equal(await isValid(statement, altered), false, `record, bit ${bit}`)
    }
    for (let bit = 0; bit < 128; bit++) {
      assert.equal(await isValid(statement, { ...entry, salt: withBitFlipped(salt, bit) }), false, `salt, bit ${bit}`)
    }
  })
  test('proves nothing with bytes moved between salt and record', async () => {
    const long = Uint8Array.of(...salt, ...entry.record.subarray(0, 1))
    assert.equal(await isValid(statement, { record: entry.record.subarray(1), salt: long }), false)
  })
  test('proves nothing beside the record of another publish, signed by the same key', async () => {
    const other = attachReceipts(signedEnvelope({ payload: Uint8Array.of(1) }, nativeCrypto), [receipt])
    assert.equal(await isValid(other), false)
  })
  test('proves nothing where the log itself says something else than was signed', async () => {
    const lies: Partial<ChainRecord>[] = [
      { topic: 'plant/2/temp' },
      { seq: 2 },
      { signedTimeMs: 1 },
      { thumbprint: keyMeriadoc.thumbprint },
      { contentDigest: new Uint8Array(32) },
      { outcome: 'unsigned' },
    ]
    for (const lie of lies) {
      const { receipt: given, ...publish } = logged({ ...record, ...lie })
      assert.equal(await isValid(attachReceipts(exampleSign1, [given]), publish), false, Object.keys(lie).join())
    }
  })
})
