import assert from 'node:assert/strict'
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import {
  createSigner,
  encodeExternalAad,
  encodeProtectedHeaders,
  encodeSign1,
  encodeSigStructure,
  payloadOffset,
  thumbprint,
} from '../../scripts/bench/envelope.ts'
import { firstSignedSeq, prepareWorkload } from '../../scripts/bench/workload.ts'

// Key "11" of the cose-wg examples, the worked example of the envelope in formats.md section 1.4.
const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url')
const jwk = {
  kty: 'EC',
  crv: 'P-256',
  x: base64url('bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff'),
  y: base64url('20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e'),
  d: base64url('57c92077664146e876760c9520d054aa93c3afb04e306705db6090308507b4d3'),
}
const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
const publicKey = createPublicKey(privateKey)
const topicName = 'plant/1/temp'
const payload = Buffer.from('21.5')
const timeMs = 1767225600000
const kid = Buffer.from('b71d9fc27ee9ce61', 'hex')
const protectedHex = 'a301280448b71d9fc27ee9ce613a0001000082011b0000019b76daa800'
const externalAadHex = '826a6e6f746172796d712f316c706c616e742f312f74656d70'
const signatureHex =
  '773e8e5f0d825435f01ebbb59edf4938644d94915358710bb22496872eba5885' +
  '66a88cb4857a8b7400ef4ef0d61356f990121bedd4bc154b47f9e286550612aa'
const protectedHeaders = encodeProtectedHeaders(kid, 1, timeMs)
const toBeSigned = encodeSigStructure(protectedHeaders, encodeExternalAad(topicName), payload)

test('the RFC 9679 thumbprint of the worked key begins with its kid', () => {
  assert.equal(
    thumbprint(publicKey).toString('hex'),
    'b71d9fc27ee9ce61a60560b2eeeef7f6934a6b9d57ce122b2b12e932cacbf1d9',
  )
})

test('protected headers, external_aad and Sig_structure have the bytes of the worked example', () => {
  assert.equal(protectedHeaders.toString('hex'), protectedHex)
  assert.equal(encodeExternalAad(topicName).toString('hex'), externalAadHex)
  assert.equal(toBeSigned.toString('hex'), `846a5369676e617475726531581d${protectedHex}5819${externalAadHex}4432312e35`)
  assert.equal(
    createHash('sha256').update(toBeSigned).digest('hex'),
    'b7ce35bcdf7aeb5eabbece6d54a9b7872e5c2c01dc22afe3af90571293ac3a25',
  )
})

test('the signature of the worked example verifies over our Sig_structure and gives its 105-byte envelope', () => {
  const signature = Buffer.from(signatureHex, 'hex')
  assert.ok(verify('sha256', toBeSigned, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature))
  const envelope = encodeSign1(protectedHeaders, payload, signature)
  assert.equal(envelope.toString('hex'), `d284581d${protectedHex}a04432312e355840${signatureHex}`)
  assert.equal(envelope.length, 105)
  const offset = payloadOffset(protectedHeaders, payload.length)
  assert.deepEqual(envelope.subarray(offset, offset + payload.length), payload)
})

test('a signed envelope differs from the worked example only in its signature, which verifies', () => {
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const envelope = createSigner(pem, topicName).envelope(payload, 1, timeMs)
  assert.equal(envelope.subarray(0, -64).toString('hex'), `d284581d${protectedHex}a04432312e355840`)
  assert.ok(verify('sha256', toBeSigned, { key: publicKey, dsaEncoding: 'ieee-p1363' }, envelope.subarray(-64)))
})

test('integers take the shortest form at every boundary', () => {
  const sequenceOf = (seq: number) => encodeProtectedHeaders(kid, seq, 0).subarray(19, -1).toString('hex')
  const expected: [number, string][] = [
    [23, '17'],
    [24, '1818'],
    [255, '18ff'],
    [256, '190100'],
    [65535, '19ffff'],
    [65536, '1a00010000'],
    [4294967295, '1affffffff'],
    [4294967296, '1b0000000100000000'],
  ]
  for (const [seq, hex] of expected) assert.equal(sequenceOf(seq), hex)
})

test('every prepared envelope carries its mark at one offset, and sequence numbers rise by one', () => {
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' })
  const prepared = prepareWorkload({
    topicPrefix: 'bench/signed',
    runId: 7,
    publishers: 1,
    messagesPerPublisher: 3,
    payloadBytes: 200,
    window: 1,
    batch: 1,
    signing: { privateKeys: [pem.toString()], firstSeq: firstSignedSeq },
  })
  const { packets, packetBytes } = prepared.streams[0]!
  assert.equal(packets.length, 3 * packetBytes)
  for (let index = 0; index < 3; index++) {
    const message = packets.subarray((index + 1) * packetBytes - prepared.messageBytes, (index + 1) * packetBytes)
    const mark = message.subarray(prepared.payloadOffset, prepared.payloadOffset + 12)
    assert.deepEqual([mark.readUInt32BE(0), mark.readUInt32BE(4), mark.readUInt32BE(8)], [0, index, 7])
    // The head of [seq, timeMs] and a 32-bit integer; 20 bytes lie before them in the envelope's protected bstr.
    const at = message.indexOf(Buffer.from('3a00010000821a', 'hex'))
    assert.equal(message.readUInt32BE(at + 7), firstSignedSeq + index)
  }
})
