import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  addHopMac,
  detachedProperty,
  detachedValueOf,
  encodeSign1,
  parseDetachedEnvelope,
  parseSign1,
  signPublishDetached,
  toHex,
} from '../../../protocol/index.ts'
import { example, exampleSign1, headersWith, isGenuine, signedEnvelope } from '../../helpers/envelopes.ts'
import { key11 } from '../../helpers/keys.ts'
import { hex } from '../../helpers/vectors.ts'

const { session, payload, topic } = example
const value = signPublishDetached(key11, key11.thumbprint, example, nativeCrypto)
const sign1 = encodeSign1(parseSign1(exampleSign1), undefined)
const withoutMark = encodeSign1(
  parseSign1(signedEnvelope({ protectedHeaders: headersWith([[-65537, undefined]]) }, nativeCrypto)),
  undefined,
)

const refused: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['padding', `${value}=`],
  ['base64 that is not base64url', `${value.slice(0, -1)}+`],
  ['a line end', `${value}\n`],
  ['stray bits in the last character', `${detachedValueOf(hex('d2')).slice(0, -1)}h`],
  ['one character of a group of four', `${value}A`.slice(0, 4 * Math.floor(value.length / 4) + 1)],
  ['characters beyond ASCII', `${value.slice(0, -1)}é`],
  ['an envelope with a payload', detachedValueOf(exampleSign1)],
  ['an envelope with an empty payload', detachedValueOf(encodeSign1(parseSign1(exampleSign1), new Uint8Array(0)))],
  [
    'a hop MAC around an envelope with a payload',
    detachedValueOf(addHopMac(exampleSign1, session, payload, nativeCrypto)),
  ],
  [
    'a hop MAC twice',
    detachedValueOf(addHopMac(addHopMac(sign1, session, payload, nativeCrypto), session, payload, nativeCrypto)),
  ],
  ['a hop MAC around nothing', detachedValueOf(addHopMac(new Uint8Array(0), session, payload, nativeCrypto))],
  ['a COSE_Sign1 that is no publish', detachedValueOf(withoutMark)],
  ['other CBOR', detachedValueOf(hex('a0'))],
  ['a trailing byte', detachedValueOf(Uint8Array.of(...sign1, 0))],
]

describe('the user property notarymq is no envelope', () => {
  for (const [name, propertyValue] of refused) {
    test(`with ${name}`, () => assert.equal(parseDetachedEnvelope(propertyValue, payload), undefined))
  }
})

describe('the user property notarymq', () => {
  test('is called so', () => assert.equal(detachedProperty, 'notarymq'))
  test('leaves the payload what it is, an envelope included', async () => {
    const publish = { ...example, payload: exampleSign1 }
    const property = signPublishDetached(key11, key11.thumbprint, publish, nativeCrypto)
    const envelope = parseDetachedEnvelope(property, exampleSign1)
    assert.equal(envelope?.payload, exampleSign1)
    assert.equal(await isGenuine(envelope, topic, key11, nativeCrypto), true)
  })
  test('is rebuilt from the COSE_Sign1 without payload that a record keeps', () => {
    const envelope = parseDetachedEnvelope(
      signPublishDetached(key11, key11.thumbprint, example, nativeCrypto, session),
      payload,
    )
    assert.ok(envelope?.mac !== undefined)
    assert.equal(toHex(envelope.mac.content), toHex(encodeSign1(envelope.sign1, undefined)))
    assert.equal(toHex(envelope.mac.externalAad), toHex(payload))
  })
  test('may be beside an empty payload', async () => {
    const publish = { ...example, payload: new Uint8Array(0) }
    const property = signPublishDetached(key11, key11.thumbprint, publish, nativeCrypto, session)
    const envelope = parseDetachedEnvelope(property, publish.payload)
    assert.ok(envelope !== undefined && (await isGenuine(envelope, topic, key11, nativeCrypto)))
  })
})
