import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBytes } from '../../../protocol/bytes.ts'
import {
  addHopMac,
  detachedValueOf,
  externalAad,
  isHopMacValid,
  macStructure,
  nobleCrypto,
  parseAttachedEnvelope,
  parseDetachedEnvelope,
  publishProtectedHeaders,
  signPublish,
  signPublishDetached,
  sigStructure,
  toBase64url,
  toHex,
} from '../../../protocol/index.ts'
import { example, exampleSign1, isGenuine } from '../../helpers/envelopes.ts'
import { key11 } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

// formats.md section 1.4, byte for byte: what a device developer checks an implementation against.
const published = hex(`
  d284 581d
  a301280448b71d9fc27ee9ce613a0001000082011b0000019b76daa800
  a0 4432312e35 5840
  773e8e5f0d825435f01ebbb59edf4938644d94915358710bb22496872eba5885
  66a88cb4857a8b7400ef4ef0d61356f990121bedd4bc154b47f9e286550612aa`)

const mac0 = hex(`d184 4d a201050448 0102030405060708 a0 5869 ${toHex(published)} 5820 ${toHex(example.macTag)}`)

test('signing the publish of the worked example gives its 105 bytes', () => {
  const made = signPublish(key11, key11.thumbprint, example, nobleCrypto)
  assert.equal(toHex(made), toHex(published))
  assert.equal(toHex(exampleSign1), toHex(published))
  assert.equal(made.length, 105)
})

test('the protected headers and the structure to be signed of the worked example are the published bytes', () => {
  const headers = publishProtectedHeaders(key11.thumbprint.subarray(0, 8), example.seq, example.timeMs)
  assert.equal(toHex(headers), toHex(example.protectedBytes))
  const toBeSigned = sigStructure(headers, externalAad(example.topic), example.payload)
  const published = hex(`
    846a5369676e617475726531 581d ${toHex(headers)}
    5819 826a6e6f746172796d712f316c706c616e742f312f74656d70 4432312e35`)
  assert.equal(toHex(toBeSigned), toHex(published))
  assert.equal(
    toHex(nobleCrypto.sha256(toBeSigned)),
    'b7ce35bcdf7aeb5eabbece6d54a9b7872e5c2c01dc22afe3af90571293ac3a25',
  )
})

test('the worked example is parsed into what was signed, and verifies for its topic only', async () => {
  const envelope = parseAttachedEnvelope(published)
  assert.ok(envelope !== undefined)
  assert.equal(envelope.alg, -9)
  assert.equal(toHex(envelope.kid), 'b71d9fc27ee9ce61')
  assert.equal(envelope.seq, 1)
  assert.equal(envelope.timeMs, 1_767_225_600_000)
  assert.equal(toHex(envelope.payload), '32312e35')
  assert.equal(envelope.carrier, 'attached')
  assert.equal(envelope.mac, undefined)
  assert.equal(await isGenuine(envelope, 'plant/1/temp', key11, nobleCrypto), true)
  for (const topic of ['plant/1/tem', 'plant/1/temp/', 'Plant/1/temp', '', '/plant/1/temp']) {
    assert.equal(await isGenuine(envelope, topic, key11, nobleCrypto), false, topic)
  }
})

test('the worked example inside its hop MAC is the same envelope, with the MAC as it came', async () => {
  assert.equal(mac0.length, 158)
  assert.equal(toHex(addHopMac(published, example.session, new Uint8Array(0), nobleCrypto)), toHex(mac0))
  assert.equal(toHex(signPublish(key11, key11.thumbprint, example, nobleCrypto, example.session)), toHex(mac0))
  const envelope = parseAttachedEnvelope(mac0)
  assert.equal(envelope?.carrier, 'attached')
  assert.equal(toHex(envelope.payload), '32312e35')
  assert.equal(await isGenuine(envelope, example.topic, key11, nobleCrypto), true)
  const { mac } = envelope
  assert.ok(mac !== undefined)
  assert.deepEqual([toHex(mac.sid), toHex(mac.tag)], ['0102030405060708', toHex(example.macTag)])
  assert.deepEqual([toHex(mac.content), mac.externalAad.length], [toHex(published), 0])
  assert.equal(isHopMacValid(mac, example.session.key, nobleCrypto), true)
  assert.equal(isHopMacValid(mac, new Uint8Array(32).fill(0x0c), nobleCrypto), false)
})

test('the MAC0 structure of the worked example is the published bytes', () => {
  const structure = concatBytes(...macStructure(mac0.subarray(3, 16), new Uint8Array(0), published))
  assert.equal(toHex(structure), `84644d414330${toHex(mac0.subarray(2, 16))}405869${toHex(published)}`)
  assert.equal(toHex(nobleCrypto.hmacSha256(example.session.key, structure)), toHex(example.macTag))
})

test('the detached worked example is signed over the same structure and carries the same signature', async () => {
  const sign1 = hex(`d284 581d ${toHex(example.protectedBytes)} a0 f6 5840 ${toHex(example.signature)}`)
  assert.equal(sign1.length, 105 - 4)
  assert.equal(signPublishDetached(key11, key11.thumbprint, example, nobleCrypto), toBase64url(sign1))
  const envelope = parseDetachedEnvelope(detachedValueOf(sign1), example.payload)
  assert.equal(envelope?.carrier, 'detached')
  assert.equal(envelope.mac, undefined)
  assert.deepEqual([envelope.seq, envelope.timeMs, envelope.alg], [1, 1_767_225_600_000, -9])
  assert.equal(await isGenuine(envelope, example.topic, key11, nobleCrypto), true)
})

test('the detached worked example inside its hop MAC has 154 bytes, 206 characters, and a MAC over the payload', async () => {
  const value = signPublishDetached(key11, key11.thumbprint, example, nobleCrypto, example.session)
  assert.equal(value.length, 206)
  const bytes = hex(`
    d184 4d a201050448 0102030405060708 a0
    5865 d284 581d ${toHex(example.protectedBytes)} a0 f6 5840 ${toHex(example.signature)}
    5820 ${toHex(example.detachedMacTag)}`)
  assert.equal(bytes.length, 154)
  assert.equal(value, toBase64url(bytes))
  const envelope = parseDetachedEnvelope(value, example.payload)
  assert.ok(envelope?.mac !== undefined)
  assert.equal(isHopMacValid(envelope.mac, example.session.key, nobleCrypto), true)
  assert.equal(await isGenuine(envelope, example.topic, key11, nobleCrypto), true)
  const beside = parseDetachedEnvelope(value, hex('32312e36'))
  assert.ok(beside?.mac !== undefined)
  assert.equal(isHopMacValid(beside.mac, example.session.key, nobleCrypto), false)
  assert.equal(await isGenuine(beside, example.topic, key11, nobleCrypto), false)
})

test('an envelope is 101 bytes longer than a short payload, and payload bytes stay what they are', () => {
  for (const length of [0, 1, 23]) {
    const payload = new Uint8Array(length).fill(0xa5)
    const made = signPublish(key11, key11.thumbprint, { ...example, payload }, nobleCrypto)
    assert.equal(made.length, length + 101)
    assert.equal(toHex(parseAttachedEnvelope(made)?.payload ?? Uint8Array.of(1)), toHex(payload))
  }
})
