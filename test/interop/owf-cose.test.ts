import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  CoseKey,
  Curve,
  KeyType,
  Mac0,
  type Mac0Context,
  Sign1,
  type Sign1Context,
  SignatureAlgorithm,
} from '@owf/cose'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  addHopMac,
  detachedValueOf,
  encodeSign1,
  externalAad,
  isHopMacValid,
  nobleCrypto,
  parseAttachedEnvelope,
  parseDetachedEnvelope,
  parseSign1,
  signPublish,
  toHex,
} from '../../protocol/index.ts'
import { example, exampleSign1, isGenuine } from '../helpers/envelopes.ts'
import { key11 } from '../helpers/keys.ts'

// What @owf/cose 0.3 cannot do, and is not tried here: it makes no COSE_Sign1 without its payload, only verifies one. It
// brings no cryptography, so ESP256 (-9) is no obstacle: the structures are its own, the primitives ours (OpenSSL).
// Two habits of it that a user has to know: a time beyond 2^32 has to be given as a BigInt, or it is written as a float,
// and without external_aad it leaves that element out of the MAC0 structure, so the empty one has to be given.
// One process must not load it beside @auth0/cose: both claim tags 17 and 18 in the CBOR library that they share.

const signing: Pick<Sign1Context, 'sign'> = {
  sign: async ({ toBeSigned }) => nobleCrypto.signP256(key11, toBeSigned),
}
const verifying: Pick<Sign1Context, 'getPublicKey' | 'verify'> = {
  getPublicKey: () => Promise.reject(new Error('a publish has no certificate')),
  verify: ({ sign1 }) => nativeCrypto.verifyP256(key11, sign1.toBeSigned, sign1.signature),
}
const macing: Pick<Mac0Context, 'mac'> = {
  mac: async ({ toBeAuthenticated, key }) => nativeCrypto.hmacSha256(key, toBeAuthenticated),
}
const key = CoseKey.create({ keyType: KeyType.Ec, curve: Curve['P-256'], x: key11.x, y: key11.y })

const { session, payload } = example
const nothing = new Uint8Array(0)
const detached = encodeSign1(parseSign1(exampleSign1), undefined)
const publishHeaders = (timeMs: number | bigint) =>
  new Map<number, unknown>([
    [1, -9],
    [4, key11.thumbprint.subarray(0, 8)],
    [-65537, [example.seq, timeMs]],
  ])

/** What it makes of the example, with the time as given. */
async function signedByPeer(timeMs: number | bigint): Promise<Uint8Array> {
  const aad = externalAad(example.topic)
  const sign1 = Sign1.create({ protectedHeaders: publishHeaders(timeMs), payload })
  await sign1.sign({ signingKey: key, algorithm: SignatureAlgorithm.ES256, externalAad: aad }, signing)
  return sign1.encode()
}

function verifiedByPeer(message: Uint8Array, topic: string, detachedPayload?: Uint8Array): Promise<boolean> {
  const sign1 = Sign1.decode(message)
  sign1.externalAad = externalAad(topic)
  if (detachedPayload !== undefined) sign1.detachedPayload = detachedPayload
  return sign1.verifySignature({ key }, verifying)
}

/** The hop MAC that it makes around these bytes. */
async function macedByPeer(content: Uint8Array, aad: Uint8Array): Promise<Uint8Array> {
  const headers = new Map<number, unknown>([
    [1, 5],
    [4, session.sid],
  ])
  const mac0 = Mac0.create({ protectedHeaders: headers, payload: content, externalAad: aad })
  return (await mac0.authenticate({ key: session.key }, macing)).encode()
}

function isMacRightForPeer(message: Uint8Array, aad: Uint8Array): boolean {
  const mac0 = Mac0.decode(message)
  mac0.externalAad = aad
  return toHex(nobleCrypto.hmacSha256(session.key, mac0.toBeAuthenticated)) === toHex(mac0.tag)
}

describe('@owf/cose', () => {
  test('verifies a publish, for its topic only', async () => {
    assert.equal(await verifiedByPeer(exampleSign1, example.topic), true)
    assert.equal(await verifiedByPeer(exampleSign1, 'plant/2/temp'), false)
  })
  test('verifies a detached publish with the payload beside it, and with no other', async () => {
    assert.equal(await verifiedByPeer(detached, example.topic, payload), true)
    assert.equal(await verifiedByPeer(detached, example.topic, Uint8Array.of(0)), false)
  })
  test('makes the same publish, byte for byte', async () => {
    const made = await signedByPeer(BigInt(example.timeMs))
    assert.equal(toHex(made), toHex(signPublish(key11, key11.thumbprint, example, nobleCrypto)))
    const envelope = parseAttachedEnvelope(made)
    assert.ok(envelope !== undefined && (await isGenuine(envelope, example.topic, key11, nativeCrypto)))
  })
  test('makes no publish when its time is written as a float', async () => {
    assert.equal(parseAttachedEnvelope(await signedByPeer(example.timeMs)), undefined)
  })
  test('makes the same hop MAC of either carrier, byte for byte', async () => {
    const attachedMac = await macedByPeer(exampleSign1, nothing)
    assert.equal(toHex(attachedMac), toHex(addHopMac(exampleSign1, session, nothing, nativeCrypto)))
    const detachedMac = await macedByPeer(detached, payload)
    assert.equal(toHex(detachedMac), toHex(addHopMac(detached, session, payload, nativeCrypto)))
    for (const envelope of [
      parseAttachedEnvelope(attachedMac),
      parseDetachedEnvelope(detachedValueOf(detachedMac), payload),
    ]) {
      assert.ok(envelope?.mac !== undefined && isHopMacValid(envelope.mac, session.key, nativeCrypto))
      assert.equal(await isGenuine(envelope, example.topic, key11, nativeCrypto), true)
    }
  })
  test('finds the hop MACs of either carrier right, and wrong beside another payload', () => {
    assert.equal(isMacRightForPeer(addHopMac(exampleSign1, session, nothing, nativeCrypto), nothing), true)
    const detachedMac = addHopMac(detached, session, payload, nativeCrypto)
    assert.equal(isMacRightForPeer(detachedMac, payload), true)
    assert.equal(isMacRightForPeer(detachedMac, Uint8Array.of(0)), false)
  })
})
