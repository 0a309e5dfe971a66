import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  type CborValue,
  coseKeyOfP256,
  encodeCbor,
  encodeSign1,
  externalAad,
  type KeyExchangeResponse,
  keyExchangeResponseTopic,
  maxKeyExchangeBytes,
  nobleCrypto,
  type ProtocolErrorCode,
  parseAttachedEnvelope,
  parseSign1,
  signKeyExchangeResponse,
  verifyKeyExchangeResponse,
} from '../../../protocol/index.ts'
import { rejectsCode } from '../../helpers/codes.ts'
import { signedEnvelope } from '../../helpers/envelopes.ts'
import { brokerEphemeral } from '../../helpers/key-exchange.ts'
import { key11, keyMeriadoc, publicOf } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

const clientId = 'device/1'
const topic = keyExchangeResponseTopic(clientId)
const requestDigest = new Uint8Array(32).fill(5)
const expected = { brokerKey: keyMeriadoc, requestDigest, clientId }

const response: KeyExchangeResponse = {
  ephemeral: publicOf(brokerEphemeral),
  nonce: new Uint8Array(16).fill(1),
  sid: new Uint8Array(8).fill(2),
  expiryMs: 3,
  requestDigest,
  brokerTimeMs: 4,
  highestSeq: 0,
}

const fields: readonly (readonly [number, CborValue])[] = [
  [1, coseKeyOfP256(response.ephemeral)],
  [2, response.nonce],
  [3, response.sid],
  [4, response.expiryMs],
  [5, response.requestDigest],
  [6, response.brokerTimeMs],
  [7, response.highestSeq],
]

const headers = new Map<number, CborValue>([
  [1, -9],
  [4, keyMeriadoc.thumbprint.subarray(0, 8)],
])

/** A response with other parts than it should have, signed properly by the broker. */
function responseOf(parts: {
  readonly changes?: readonly (readonly [number, CborValue | undefined])[]
  readonly payload?: Uint8Array
  readonly headers?: ReadonlyMap<number, CborValue>
  readonly unprotected?: Uint8Array
}): Uint8Array {
  const map = new Map<number, CborValue | undefined>([...fields, ...(parts.changes ?? [])])
  const present = [...map].filter((entry): entry is [number, CborValue] => entry[1] !== undefined)
  const { unprotected, payload = encodeCbor(new Map(present)) } = parts
  const common = { protectedHeaders: parts.headers ?? headers, payload, key: keyMeriadoc, topic }
  return signedEnvelope(unprotected === undefined ? common : { ...common, unprotected }, nativeCrypto)
}

const verify = (message: Uint8Array) => verifyKeyExchangeResponse(message, expected, nativeCrypto)

describe('a key exchange response', () => {
  test('is verified into what was signed', async () => {
    const message = signKeyExchangeResponse(keyMeriadoc, keyMeriadoc.thumbprint, clientId, response, nobleCrypto)
    assert.deepEqual(await verifyKeyExchangeResponse(message, expected, nobleCrypto), response)
    assert.deepEqual(await verify(responseOf({})), response)
  })
  test('is signed for the encoded response topic of the client', () => {
    assert.equal(topic, '$notary/key-exchange/response/device%2F1')
    assert.notDeepEqual(externalAad(topic), externalAad(keyExchangeResponseTopic('device')))
  })
  test('is no envelope of a publish, whoever sees it', () => {
    assert.equal(parseAttachedEnvelope(responseOf({})), undefined)
  })
  test('may name ES256, and the whole thumbprint', async () => {
    assert.deepEqual(await verify(responseOf({ headers: new Map([...headers, [1, -7]]) })), response)
    assert.deepEqual(
      await verify(responseOf({ headers: new Map([...headers, [4, keyMeriadoc.thumbprint]]) })),
      response,
    )
  })
})

const without = (label: number) => responseOf({ changes: [[label, undefined]] })
const sign1 = parseSign1(responseOf({}))

const refused: readonly (readonly [string, ProtocolErrorCode, Uint8Array])[] = [
  ...fields.map(([label]) => [`no field ${label}`, 'ERR_KEY_EXCHANGE_MALFORMED', without(label)] as const),
  ['a sid of 7 bytes', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ changes: [[3, new Uint8Array(7)]] })],
  ['a negative expiry', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ changes: [[4, -1]] })],
  ['a digest of 31 bytes', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ changes: [[5, new Uint8Array(31)]] })],
  ['a time as text', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ changes: [[6, '4']] })],
  ['a field that is not known', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ changes: [[8, 0]] })],
  ['a payload that is a number', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ payload: hex('00') })],
  ['no payload', 'ERR_KEY_EXCHANGE_MALFORMED', encodeSign1(sign1, undefined)],
  [
    'an ephemeral key off the curve',
    'ERR_KEY_INVALID',
    responseOf({ changes: [[1, new Map([...coseKeyOfP256(response.ephemeral), [-3, requestDigest]])]] }),
  ],
  ['the digest of another request', 'ERR_KEY_EXCHANGE_MISMATCH', responseOf({ changes: [[5, new Uint8Array(32)]] })],
  [
    'the kid of another key',
    'ERR_KEY_EXCHANGE_MISMATCH',
    responseOf({ headers: new Map([...headers, [4, key11.thumbprint]]) }),
  ],
  ['a third protected header', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ headers: new Map([...headers, [3, 0]]) })],
  [
    'no kid',
    'ERR_KEY_EXCHANGE_MALFORMED',
    responseOf({
      headers: new Map<number, CborValue>([
        [1, -9],
        [3, 0],
      ]),
    }),
  ],
  ['an unprotected header', 'ERR_KEY_EXCHANGE_MALFORMED', responseOf({ unprotected: hex('a1 0300') })],
  ['another algorithm', 'ERR_COSE_ALG_NOT_ALLOWED', responseOf({ headers: new Map([...headers, [1, -8]]) })],
  ['another tag', 'ERR_CBOR_UNEXPECTED', Uint8Array.of(0xd1, ...responseOf({}).subarray(1))],
  ['too many bytes', 'ERR_KEY_EXCHANGE_MALFORMED', new Uint8Array(maxKeyExchangeBytes + 1)],
]

describe('a key exchange response is refused', () => {
  for (const [name, code, message] of refused) test(`with ${name}: ${code}`, () => rejectsCode(verify(message), code))
})
