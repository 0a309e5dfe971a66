import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { describe, test } from 'node:test'
import { Headers, Mac0, MacAlgorithms, ProtectedHeaders, Sign1 } from '@auth0/cose'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  addHopMac,
  encodeSign1,
  externalAad,
  isHopMacValid,
  p256ToJwk,
  parseAttachedEnvelope,
  parseSign1,
  readPublishHeaders,
  toBase64url,
  toHex,
  verifySign1,
} from '../../protocol/index.ts'
import { example, exampleSign1, headersWith, isGenuine, signedEnvelope } from '../helpers/envelopes.ts'
import { key11 } from '../helpers/keys.ts'

// What @auth0/cose 1.0.2 cannot do, and is not tried here: it knows no ESP256 (-9), so publishes for it name ES256 (-7),
// the same computation; it takes external_aad when it verifies, not when it signs or makes a MAC, so it makes neither a
// publish nor a detached hop MAC of ours; it carries every payload that it signs.
// One process must not load it beside @owf/cose: both claim tags 17 and 18 in the CBOR library that they share.

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
const privateJwk = { ...p256ToJwk(key11), d: toBase64url(key11.d) }
const privateKey = await webcrypto.subtle.importKey('jwk', privateJwk, algorithm, false, ['sign'])
const publicKey = await webcrypto.subtle.importKey('jwk', { ...p256ToJwk(key11) }, algorithm, false, ['verify'])

const { session, payload } = example
const aad = externalAad(example.topic)
const nothing = new Uint8Array(0)
const publish = signedEnvelope({ protectedHeaders: headersWith([[1, -7]]) }, nativeCrypto)
const detached = encodeSign1(parseSign1(publish), undefined)

describe('@auth0/cose', () => {
  test('verifies a publish, for its topic only', async () => {
    await Sign1.decode(publish).verify(publicKey, { externalAAD: aad })
    await assert.rejects(Sign1.decode(publish).verify(publicKey, { externalAAD: externalAad('plant/2/temp') }))
  })
  test('verifies a detached publish with the payload beside it, and with no other', async () => {
    await Sign1.decode(detached).verify(publicKey, { externalAAD: aad, detachedPayload: payload })
    await assert.rejects(Sign1.decode(detached).verify(publicKey, { externalAAD: aad, detachedPayload: nothing }))
  })
  test('signs what we verify, read as the headers of a publish', async () => {
    const headers = new ProtectedHeaders([
      [1, -7],
      [4, key11.thumbprint.subarray(0, 8)],
      [-65537, [7, 8]],
    ])
    const signed = await Sign1.sign(headers, undefined, payload, privateKey)
    const sign1 = parseSign1(signed.encode())
    const { seq, timeMs } = readPublishHeaders(sign1)
    assert.deepEqual([seq, timeMs], [7, 8])
    await verifySign1(sign1, key11, nothing, nativeCrypto)
  })
  test('verifies a hop MAC of either carrier, by its own key only', async () => {
    const attachedMac = addHopMac(exampleSign1, session, nothing, nativeCrypto)
    await Mac0.decode(attachedMac).verify(session.key)
    await assert.rejects(Mac0.decode(attachedMac).verify(new Uint8Array(32)))
    const detachedMac = addHopMac(detached, session, payload, nativeCrypto)
    await Mac0.decode(detachedMac).verify(session.key, { externalAAD: payload })
    await assert.rejects(Mac0.decode(detachedMac).verify(session.key, { externalAAD: nothing }))
  })
  test('makes the same hop MAC around an attached publish, byte for byte', async () => {
    const made = await Mac0.create(
      [
        [Headers.Algorithm, MacAlgorithms.HS256],
        [Headers.KeyID, session.sid],
      ],
      undefined,
      exampleSign1,
      session.key,
    )
    assert.equal(toHex(made.encode()), toHex(addHopMac(exampleSign1, session, nothing, nativeCrypto)))
    const envelope = parseAttachedEnvelope(made.encode())
    assert.ok(envelope?.mac !== undefined && isHopMacValid(envelope.mac, session.key, nativeCrypto))
    assert.equal(await isGenuine(envelope, example.topic, key11, nativeCrypto), true)
  })
})
