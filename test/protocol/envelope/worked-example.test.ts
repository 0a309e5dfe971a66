import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import {
  CborWriter,
  encodeSign1,
  externalAad,
  nobleCrypto,
  parseAttachedEnvelope,
  publishProtectedHeaders,
  signPublish,
  sigStructure,
  toHex,
  verifySign1,
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
  assert.equal(envelope.hopMac, false)
  assert.equal(await isGenuine(envelope, 'plant/1/temp', key11, nobleCrypto), true)
  for (const topic of ['plant/1/tem', 'plant/1/temp/', 'Plant/1/temp', '', '/plant/1/temp']) {
    assert.equal(await isGenuine(envelope, topic, key11, nobleCrypto), false, topic)
  }
})

test('the worked example inside its hop MAC is the same envelope, known as one with a MAC', async () => {
  assert.equal(mac0.length, 158)
  const envelope = parseAttachedEnvelope(mac0)
  assert.ok(envelope !== undefined)
  assert.equal(envelope.hopMac, true)
  assert.equal(toHex(envelope.payload), '32312e35')
  assert.equal(await isGenuine(envelope, example.topic, key11, nobleCrypto), true)
})

test('the tag of the worked hop MAC is HMAC-SHA-256 over the MAC0 structure', () => {
  const structure = new CborWriter().array(4).text('MAC0').bytes(mac0.subarray(3, 16)).bytes(new Uint8Array(0))
  const key = new Uint8Array(32).fill(0x0b)
  const tag = createHmac('sha256', key).update(structure.bytes(published).finish()).digest('hex')
  assert.equal(tag, toHex(example.macTag))
})

test('the detached worked example is signed over the same structure', async () => {
  const envelope = parseAttachedEnvelope(published)
  assert.ok(envelope !== undefined)
  const detached = encodeSign1(envelope.sign1, undefined)
  assert.equal(detached.length, 105 - 4)
  assert.equal(parseAttachedEnvelope(detached), undefined)
  await verifySign1(envelope.sign1, key11, externalAad(example.topic), nobleCrypto, example.payload)
})

test('an envelope is 101 bytes longer than a short payload, and payload bytes stay what they are', () => {
  for (const length of [0, 1, 23]) {
    const payload = new Uint8Array(length).fill(0xa5)
    const made = signPublish(key11, key11.thumbprint, { ...example, payload }, nobleCrypto)
    assert.equal(made.length, length + 101)
    assert.equal(toHex(parseAttachedEnvelope(made)?.payload ?? Uint8Array.of(1)), toHex(payload))
  }
})
