import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import {
  addHopMac,
  type CborValue,
  coseKeyOfP256,
  encodeCbor,
  externalAad,
  fromHex,
  kidOf,
  publishProtectedHeaders,
  type RefusalCause,
  requestTopic,
  signSign1,
} from '../../../protocol/index.ts'
import { AttackScene } from '../../helpers/attacks-scene.ts'
import { numberedKey, type TestKey } from '../../helpers/keys.ts'
import { mqttVersions, TestClient } from '../../helpers/mqtt-clients.ts'
import { Signer } from '../../helpers/signing.ts'

const topic = requestTopic.keyExchange
const device = new Signer(numberedKey(181))
const lost = new Signer(numberedKey(182))
const stranger = new Signer(numberedKey(183))
const ofOthers = new Signer(numberedKey(184))

const prime = fromHex('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff')
const zero = new Uint8Array(32)
const one = Uint8Array.from(zero).fill(1, 31)
const ephemeral = coseKeyOfP256(numberedKey(7))

/** With one member replaced; undefined removes it. */
function keyWith(label: number, value: CborValue | undefined): ReadonlyMap<number, CborValue> {
  const key = new Map(ephemeral)
  if (value === undefined) key.delete(label)
  else key.set(label, value)
  return key
}

const points: readonly (readonly [name: string, key: CborValue])[] = [
  ['a point off the curve', keyWith(-3, one)],
  ['the point (0, 0), as which infinity is written', coseKeyOfP256({ x: zero, y: zero })],
  ['a point of order 2 of a twin curve, y = 0', coseKeyOfP256({ x: one, y: zero })],
  ['an x that is not below the prime', keyWith(-2, prime)],
  ['a y that is not below the prime', keyWith(-3, prime)],
  ['an x of 31 bytes', keyWith(-2, one.subarray(1))],
  ['an x of 33 bytes', keyWith(-2, Buffer.concat([Buffer.of(0), one]))],
  ['a compressed point', keyWith(-3, true)],
  ['no y', keyWith(-3, undefined)],
  ['a point of P-384', keyWith(-1, 2)],
  ['a key of another type', keyWith(1, 1)],
  ['a private key', keyWith(-4, one)],
  ['bytes instead of a key', one],
  ['nothing instead of a key', null],
]

/** Requests whose payload is not that of one. */
function malformedPayloads(): readonly (readonly [name: string, payload: Uint8Array])[] {
  const fields = (...changes: readonly (readonly [number, CborValue])[]) =>
    encodeCbor(new Map<number, CborValue>([[1, ephemeral], [2, new Uint8Array(16)], ...changes]))
  return [
    ...points.map(([name, key]) => [name, fields([1, key])] as const),
    ['a nonce of 15 bytes', fields([2, new Uint8Array(15)])],
    ['a field that nobody knows', fields([9, 1])],
    ['a client id that is a number', fields([3, 1])],
    ['a kid of seven bytes', fields([4, new Uint8Array(7)])],
    ['no map', encodeCbor([1, 2])],
    ['a map that claims a billion pairs', Buffer.from('ba40000000', 'hex')],
    ['more than a request can be', fields([3, 'x'.repeat(5000)])],
    ['nothing', new Uint8Array(0)],
  ]
}

function signed(
  signer: Signer,
  payload: Uint8Array,
  timeMs = Date.now(),
  to: string = topic,
  by: TestKey = signer.key,
) {
  const headers = publishProtectedHeaders(kidOf(signer.key.thumbprint), ++signer.seq, timeMs)
  return signSign1(by, headers, externalAad(to), payload, nativeCrypto)
}

const request = (changes: readonly (readonly [number, CborValue])[] = []) =>
  encodeCbor(new Map<number, CborValue>([[1, ephemeral], [2, nativeCrypto.randomBytes(16)], ...changes]))

/** A request that is refused, made when it is needed. */
const attacks: readonly (readonly [name: string, cause: RefusalCause, make: () => Uint8Array])[] = [
  ...malformedPayloads().map(([name, payload]) => [name, 'request-malformed', () => signed(device, payload)] as const),
  ['no COSE at all', 'request-malformed', () => Buffer.from('hello')],
  ['a byte behind the end', 'request-malformed', () => Buffer.concat([signed(device, request()), Buffer.of(0)])],
  [
    'a request in a MAC',
    'request-malformed',
    () => {
      const session = { sid: new Uint8Array(8), key: new Uint8Array(32) }
      return addHopMac(signed(device, request()), session, new Uint8Array(0), nativeCrypto)
    },
  ],
  ['signed by another key', 'signature-invalid', () => signed(device, request(), Date.now(), topic, stranger.key)],
  ['signed for another topic', 'signature-invalid', () => signed(device, request(), Date.now(), 'signed/press')],
  ['a key that nobody knows', 'unknown-key', () => signed(stranger, request())],
  ['a revoked key', 'key-revoked', () => signed(lost, request())],
  ['a key of other clients', 'key-restricted', () => signed(ofOthers, request())],
  ['of the future', 'signed-in-future', () => signed(device, request(), Date.now() + 3_600_000)],
  ['for another client', 'exchange-not-for-us', () => signed(device, request([[3, 'somebody else']]))],
  ['to another broker', 'exchange-not-for-us', () => signed(device, request([[4, new Uint8Array(8)]]))],
]

async function open(t: TestContext): Promise<AttackScene> {
  const scene = await AttackScene.open(t)
  await scene.enroll(device.key, 'device')
  await scene.admin.request('keys.revoke', { kid: await scene.enroll(lost.key, 'lost') })
  await scene.enroll(ofOthers.key, 'of others', { clients: ['cell-*'] })
  return scene
}

const sessionsIn = async (scene: AttackScene) =>
  (await scene.admin.records()).filter(({ kind }) => kind === 'session').length

for (const { name, version } of mqttVersions) {
  test(`${name}: a key exchange that is not what it should be is refused with its cause, and agrees on nothing`, async (t) => {
    const scene = await open(t)
    for (const [what, cause, make] of attacks) {
      // Each connection may ask three times at once; one that is new for each attack is never too busy.
      const client = await scene.connect(t, version)
      await scene.refuses(client, cause, topic, { payload: make() }, what)
      assert.equal(client.received.length, 1, `${what}: nothing but the refusal`)
      await client.end()
    }
    assert.equal(await sessionsIn(scene), 0)
    await scene.assertHeld(0)
  })
}

test('an exchange that is replayed agrees on nothing new, and its number is no publish', async (t) => {
  const scene = await open(t)
  const client = await scene.connect(t)
  const message = signed(device, request())
  const answer = await scene.answerTo(client, message)
  assert.deepEqual(await scene.answerTo(client, message), answer, 'the same request, the same answer')
  const thief = await scene.connect(t)
  await scene.refuses(thief, 'mac-session-unknown', topic, { payload: message })
  // The request as a publish, the publish as a request, and the number of the request for something else.
  await scene.refuses(thief, 'signature-invalid', 'signed/press', { payload: message })
  await scene.refuses(thief, 'seq-reuse', 'signed/press', {
    payload: device.sign('signed/press', 'x', { seq: device.seq }),
  })
  await scene.refuses(thief, 'request-malformed', topic, { payload: device.sign('signed/press', 'x') })
  await client.end()
  const again = await scene.connect(t, { clientId: client.id })
  await scene.refuses(again, 'mac-session-unknown', topic, { payload: message })
  assert.equal(await sessionsIn(scene), 1)
  assert.equal((await scene.admin.records()).filter(({ kind }) => kind === 'seq-reuse').length, 1)
  await scene.assertHeld(0)
})

test('a flood of key exchanges is refused as too busy, and an honest device still gets its session', async (t) => {
  const scene = await open(t)
  const garbage = Array.from({ length: 200 }, () => ({ topic, payload: signed(stranger, request()) }))
  const flooders = await Promise.all(Array.from({ length: 5 }, () => TestClient.connect(t, scene.port)))
  const flood = Promise.all(flooders.map((client) => client.publishAll(garbage)))
  const session = await scene.agree(await scene.connect(t), device)
  assert.equal(session.key.length, 32)
  const codes = (await flood).flat()
  assert.equal(codes.length, 1000)
  assert.ok(!codes.includes(0))
  const { refused } = await scene.admin.request('audit.status', {})
  const { 'unknown-key': unknown = 0, 'too-busy': busy = 0 } = refused
  assert.equal(unknown + busy, codes.length)
  assert.ok(busy > codes.length / 2, `${busy} were refused unread`)
  scene.expect('unknown-key', unknown)
  scene.expect('too-busy', busy)
  await scene.assertHeld(0)
})
