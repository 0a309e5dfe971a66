import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  type CborValue,
  coseKeyOfP256,
  encodeCbor,
  externalAad,
  maxKeyExchangeBytes,
  nobleCrypto,
  type ProtocolErrorCode,
  parseAttachedEnvelope,
  parseKeyExchangeRequest,
  parseSign1,
  requestTopic,
  signKeyExchangeRequest,
  signPublish,
  toHex,
  verifyKeyExchangeRequest,
} from '../../../protocol/index.ts'
import { rejectsCode, throwsCode } from '../../helpers/codes.ts'
import { example, headersWith, signedEnvelope } from '../../helpers/envelopes.ts'
import { clientEphemeral } from '../../helpers/key-exchange.ts'
import { key11, keyMeriadoc } from '../../helpers/keys.ts'

const nonce = new Uint8Array(16).fill(7)
const ephemeral = coseKeyOfP256(clientEphemeral)
const topic = requestTopic.keyExchange
const required: readonly (readonly [number, CborValue])[] = [
  [1, ephemeral],
  [2, nonce],
]

/** A request with these fields, signed properly. */
function requestOf(fields: readonly (readonly [number | string, CborValue])[]): Uint8Array {
  return signedEnvelope({ payload: encodeCbor(new Map(fields)), topic }, nativeCrypto)
}

const signed = (payload: Uint8Array) => signedEnvelope({ payload, topic }, nativeCrypto)
const parse = (message: Uint8Array) => parseKeyExchangeRequest(message, nativeCrypto)

describe('a key exchange request', () => {
  test('is parsed into what was signed', async () => {
    for (const [clientId, brokerKid] of [
      [undefined, undefined],
      ['device/1', undefined],
      ['', keyMeriadoc.thumbprint],
      ['é', keyMeriadoc.thumbprint.subarray(0, 8)],
    ] as const) {
      const request = { ephemeral: clientEphemeral, nonce, clientId, brokerKid, seq: 9, timeMs: 10 }
      const message = signKeyExchangeRequest(key11, key11.thumbprint, request, nobleCrypto)
      const parsed = parse(message)
      assert.equal(
        toHex(parsed.ephemeral.x) + toHex(parsed.ephemeral.y),
        toHex(clientEphemeral.x) + toHex(clientEphemeral.y),
      )
      assert.deepEqual([toHex(parsed.nonce), parsed.clientId], [toHex(nonce), clientId])
      assert.equal(parsed.brokerKid && toHex(parsed.brokerKid), brokerKid && toHex(brokerKid))
      assert.deepEqual([parsed.envelope.seq, parsed.envelope.timeMs], [9, 10])
      assert.equal(toHex(parsed.digest), toHex(nobleCrypto.sha256(message)))
      await verifyKeyExchangeRequest(parsed, key11, nativeCrypto)
      await rejectsCode(verifyKeyExchangeRequest(parsed, keyMeriadoc, nativeCrypto), 'ERR_COSE_SIGNATURE_INVALID')
    }
  })
  test('has the envelope of a publish to its topic, so that it uses up a sequence number', () => {
    const message = requestOf(required)
    const { payload, carrier, mac, ...envelope } = parse(message).envelope
    assert.deepEqual({ payload, carrier, mac, ...envelope }, parseAttachedEnvelope(message))
  })
  test('signed for another topic does not verify', async () => {
    const payload = encodeCbor(new Map(required))
    const publish = { ...example, topic: 'notary/key-exchange/request', payload }
    const message = signPublish(key11, key11.thumbprint, publish, nativeCrypto)
    await rejectsCode(verifyKeyExchangeRequest(parse(message), key11, nativeCrypto), 'ERR_COSE_SIGNATURE_INVALID')
    assert.equal(toHex(externalAad(topic)), toHex(externalAad('$notary/key-exchange/request')))
  })
  test('may have any other shape of headers that a publish may have, but no other algorithm', async () => {
    const payload = encodeCbor(new Map(required))
    const eddsa = signedEnvelope({ protectedHeaders: headersWith([[1, -8]]), payload, topic }, nativeCrypto)
    await rejectsCode(verifyKeyExchangeRequest(parse(eddsa), key11, nativeCrypto), 'ERR_COSE_ALG_NOT_ALLOWED')
  })
  test('of the greatest length is parsed, and one byte more refused before anything is read', () => {
    const rest = requestOf([...required, [3, 'x'.repeat(3000)]]).length - 3000
    const longest = requestOf([...required, [3, 'x'.repeat(maxKeyExchangeBytes - rest)]])
    assert.equal(longest.length, maxKeyExchangeBytes)
    assert.equal(parse(longest).clientId?.length, maxKeyExchangeBytes - rest)
    throwsCode(() => parse(new Uint8Array(maxKeyExchangeBytes + 1)), 'ERR_KEY_EXCHANGE_MALFORMED')
  })
})

const offCurve = new Map<number, CborValue>([...ephemeral, [-3, clientEphemeral.x]])
const zeroPoint = new Map<number, CborValue>([...ephemeral, [-2, new Uint8Array(32)], [-3, new Uint8Array(32)]])

const refused: readonly (readonly [string, ProtocolErrorCode, Uint8Array])[] = [
  ['no ephemeral key', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([[2, nonce]])],
  ['no nonce', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([[1, ephemeral]])],
  [
    'a nonce of 15 bytes',
    'ERR_KEY_EXCHANGE_MALFORMED',
    requestOf([
      [1, ephemeral],
      [2, nonce.subarray(1)],
    ]),
  ],
  [
    'a nonce of 17 bytes',
    'ERR_KEY_EXCHANGE_MALFORMED',
    requestOf([
      [1, ephemeral],
      [2, new Uint8Array(17)],
    ]),
  ],
  [
    'a nonce as text',
    'ERR_KEY_EXCHANGE_MALFORMED',
    requestOf([
      [1, ephemeral],
      [2, 'x'.repeat(16)],
    ]),
  ],
  ['a client id that is nil', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([...required, [3, null]])],
  ['a client id in bytes', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([...required, [3, nonce]])],
  ['a broker kid of 7 bytes', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([...required, [4, nonce.subarray(0, 7)]])],
  ['a broker kid of 33 bytes', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([...required, [4, new Uint8Array(33)]])],
  ['a field that is not known', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([...required, [5, 0]])],
  ['a field with a name', 'ERR_KEY_EXCHANGE_MALFORMED', requestOf([...required, ['x', 0]])],
  [
    'an ephemeral key as bytes',
    'ERR_KEY_UNSUPPORTED',
    requestOf([
      [1, nonce],
      [2, nonce],
    ]),
  ],
  [
    'an ephemeral key with a private part',
    'ERR_KEY_UNSUPPORTED',
    requestOf([
      [1, new Map([...ephemeral, [-4, nonce]])],
      [2, nonce],
    ]),
  ],
  [
    'an ephemeral key on another curve',
    'ERR_KEY_UNSUPPORTED',
    requestOf([
      [1, new Map([...ephemeral, [-1, 2]])],
      [2, nonce],
    ]),
  ],
  [
    'an ephemeral key off the curve',
    'ERR_KEY_INVALID',
    requestOf([
      [1, offCurve],
      [2, nonce],
    ]),
  ],
  [
    'an ephemeral key (0, 0)',
    'ERR_KEY_INVALID',
    requestOf([
      [1, zeroPoint],
      [2, nonce],
    ]),
  ],
  ['a payload that is a list', 'ERR_KEY_EXCHANGE_MALFORMED', signed(encodeCbor([ephemeral, nonce]))],
  ['an empty payload', 'ERR_CBOR_TRUNCATED', signed(new Uint8Array(0))],
  ['a byte after the map', 'ERR_CBOR_TRAILING_BYTES', signed(Uint8Array.of(...encodeCbor(new Map(required)), 0))],
  [
    'no -65537',
    'ERR_COSE_MALFORMED',
    signedEnvelope({ protectedHeaders: headersWith([[-65537, undefined]]), topic }, nativeCrypto),
  ],
  ['a hop MAC around it', 'ERR_CBOR_UNEXPECTED', Uint8Array.of(0xd1, ...requestOf(required).subarray(1))],
]

describe('a key exchange request is refused', () => {
  for (const [name, code, message] of refused) {
    test(`with ${name}: ${code}`, () => throwsCode(() => parse(message), code))
  }
  test('without a payload', () => {
    const { protectedBytes, signature } = parseSign1(requestOf(required))
    const detached = Uint8Array.of(
      0xd2,
      0x84,
      0x58,
      protectedBytes.length,
      ...protectedBytes,
      0xa0,
      0xf6,
      0x58,
      64,
      ...signature,
    )
    throwsCode(() => parse(detached), 'ERR_KEY_EXCHANGE_MALFORMED')
  })
})
