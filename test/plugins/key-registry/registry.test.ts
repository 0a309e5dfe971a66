import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  findKey,
  nativeCrypto,
  type PluginErrorCode,
  planEnrolment,
  planRestriction,
  planRetirement,
  planRevocation,
} from '../../../plugins/index.ts'
import { type CryptoProvider, type KeyEvent, KeyRegistry, type P256PublicKey } from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { registryOf } from '../../helpers/publishes.ts'

const [one, two, three] = [numberedKey(1), numberedKey(2), numberedKey(3)] as const

function throwsCode(run: () => unknown, code: PluginErrorCode): void {
  assert.throws(run, { name: 'PluginError', code })
}

function revoke(registry: KeyRegistry, prefix: Uint8Array, index: number): void {
  registry.apply(planRevocation(registry, prefix, undefined) ?? assert.fail('nothing to revoke'), index)
}

test('an enrolment says who and under which name, and counts from its index on', () => {
  const registry = new KeyRegistry(nativeCrypto)
  const event = planEnrolment(registry, { key: one, name: 'pump' }, nativeCrypto) as KeyEvent & { action: 'enroll' }
  assert.deepEqual([event.action, event.name], ['enroll', 'pump'])
  assert.deepEqual(Buffer.from(event.thumbprint), Buffer.from(one.thumbprint))
  assert.equal(registry.resolve(one.thumbprint), undefined, 'planning changes nothing')
  registry.apply(event, 12)
  const key = registry.resolve(one.thumbprint)
  assert.deepEqual([key?.name, key?.enrolledAt, key?.revokedAt, key?.window.highest], ['pump', 12, undefined, -1])
})

test('a key without a name is named after its short kid', () => {
  const event = planEnrolment(new KeyRegistry(nativeCrypto), { key: one }, nativeCrypto)
  assert.ok(event?.action === 'enroll')
  assert.equal(event.name, Buffer.from(one.thumbprint.subarray(0, 8)).toString('hex'))
})

test('enrolling a key again is nothing new under its own name or none, and refused under another', () => {
  const registry = registryOf(one)
  assert.equal(planEnrolment(registry, { key: one, name: 'key 1' }, nativeCrypto), undefined)
  assert.equal(planEnrolment(registry, { key: one, name: undefined }, nativeCrypto), undefined)
  throwsCode(() => planEnrolment(registry, { key: one, name: 'other' }, nativeCrypto), 'ERR_KEY_EXISTS')
})

test('a revoked key stays revoked', () => {
  const registry = registryOf(one)
  revoke(registry, one.thumbprint, 5)
  assert.equal(registry.resolve(one.thumbprint)?.revokedAt, 5)
  for (const name of ['key 1', undefined, 'other']) {
    throwsCode(() => planEnrolment(registry, { key: one, name: name }, nativeCrypto), 'ERR_KEY_EXISTS')
  }
  assert.equal(planRevocation(registry, one.thumbprint, 'again'), undefined)
})

test('a name is given once, also when its key was revoked', () => {
  const registry = registryOf(one)
  throwsCode(() => planEnrolment(registry, { key: two, name: 'key 1' }, nativeCrypto), 'ERR_KEY_NAME_TAKEN')
  revoke(registry, one.thumbprint, 5)
  throwsCode(() => planEnrolment(registry, { key: two, name: 'key 1' }, nativeCrypto), 'ERR_KEY_NAME_TAKEN')
  assert.ok(planEnrolment(registry, { key: two, name: '__proto__' }, nativeCrypto) !== undefined)
})

test('a name has 1 to 255 bytes of UTF-8 and no control characters', () => {
  const registry = new KeyRegistry(nativeCrypto)
  for (const name of ['', 'a\nb', '\u0000', 'x\u007f', '\u009fx', 'x'.repeat(256), 'é'.repeat(128)]) {
    throwsCode(() => planEnrolment(registry, { key: one, name: name }, nativeCrypto), 'ERR_KEY_NAME_INVALID')
  }
  for (const name of ['x'.repeat(255), 'é'.repeat(127), 'Pumpe 7/Süd']) {
    assert.ok(planEnrolment(registry, { key: one, name: name }, nativeCrypto) !== undefined, name)
  }
})

test('a key whose short kid is that of another key is refused', () => {
  // Real keys whose thumbprints agree in 8 bytes cannot be made; a hash that ends everything in zeros can.
  const crypto: CryptoProvider = {
    ...nativeCrypto,
    sha256: (...parts: readonly Uint8Array[]) => colliding(nativeCrypto.sha256(...parts)),
  }
  const registry = new KeyRegistry(crypto)
  const event = planEnrolment(registry, { key: publicOf(one), name: 'first' }, crypto) ?? assert.fail('no event')
  registry.apply(event, 1)
  throwsCode(() => planEnrolment(registry, { key: publicOf(two), name: 'second' }, crypto), 'ERR_KEY_KID_COLLISION')
})

const publicOf = ({ x, y }: P256PublicKey): P256PublicKey => ({ x, y })

function colliding(digest: Uint8Array): Uint8Array {
  return Uint8Array.from(digest, (byte, i) => (i < 8 ? 0 : byte))
}

test('a kid means a key when it has at least 8 bytes and is a prefix of its thumbprint', () => {
  const registry = registryOf(one, two)
  for (const length of [8, 9, 31, 32]) {
    assert.equal(registry.resolve(one.thumbprint.subarray(0, length))?.name, 'key 1', `${length} bytes`)
  }
  for (const length of [0, 1, 7]) assert.equal(registry.resolve(one.thumbprint.subarray(0, length)), undefined)
  const near = Uint8Array.from(one.thumbprint)
  near[31] = (near[31] as number) ^ 1
  assert.equal(registry.resolve(near), undefined)
  assert.equal(registry.resolve(Buffer.concat([one.thumbprint, Buffer.from([0])])), undefined, '33 bytes')
  assert.equal(registry.resolve(three.thumbprint), undefined)
})

test('an administrator may name a key by any prefix that only it has', () => {
  const keys = Array.from({ length: 300 }, (_, i) => numberedKey(1000 + i))
  const registry = registryOf(...keys)
  const [first] = keys
  assert.equal(findKey(registry, first?.thumbprint.subarray(0, 6) ?? assert.fail()).name, 'key 1')
  throwsCode(() => findKey(registry, new Uint8Array(0)), 'ERR_KEY_NOT_FOUND')
  throwsCode(() => findKey(registry, one.thumbprint), 'ERR_KEY_NOT_FOUND')
  // Of 300 keys at least two begin with the same byte.
  const twice = keys.find((key, i) => keys.some((other, j) => j !== i && other.thumbprint[0] === key.thumbprint[0]))
  throwsCode(() => findKey(registry, twice?.thumbprint.subarray(0, 1) ?? assert.fail()), 'ERR_KEY_AMBIGUOUS')
  throwsCode(
    () => planRevocation(registry, twice?.thumbprint.subarray(0, 1) ?? assert.fail(), undefined),
    'ERR_KEY_AMBIGUOUS',
  )
  throwsCode(() => planRevocation(registry, one.thumbprint, undefined), 'ERR_KEY_NOT_FOUND')
})

test('the list has every key that was ever enrolled, in the order of enrolment', () => {
  const registry = registryOf(one, two, three)
  revoke(registry, two.thumbprint, 9)
  assert.deepEqual(
    registry.list().map(({ name, revokedAt }) => [name, revokedAt]),
    [
      ['key 1', undefined],
      ['key 2', 9],
      ['key 3', undefined],
    ],
  )
})

test('a new key takes over the restrictions of the one that it replaces, unless it is given others', () => {
  const registry = registryOf(one)
  const topics = { topics: ['plant/#'] }
  registry.apply(planRestriction(registry, one.thumbprint, topics) ?? assert.fail(), 5)
  const replaces = one.thumbprint
  const taken = planEnrolment(registry, { key: two, name: 'new', replaces }, nativeCrypto)
  assert.deepEqual(taken?.restrictions, topics)
  assert.deepEqual(Buffer.from(taken?.replaces ?? []), Buffer.from(replaces))
  const other = planEnrolment(registry, { key: two, replaces, restrictions: { gateway: true } }, nativeCrypto)
  assert.deepEqual(other?.restrictions, { gateway: true })
  throwsCode(() => planEnrolment(registry, { key: two, replaces: three.thumbprint }, nativeCrypto), 'ERR_KEY_NOT_FOUND')
})

test('an enrolment is the same only with the same restrictions and the same replaced key', () => {
  const registry = registryOf(one, two)
  assert.equal(planEnrolment(registry, { key: one, restrictions: {} }, nativeCrypto), undefined)
  for (const other of [{ restrictions: { window: 64 } }, { replaces: two.thumbprint }]) {
    throwsCode(() => planEnrolment(registry, { key: one, ...other }, nativeCrypto), 'ERR_KEY_EXISTS')
  }
})

test('restrictions are planned when they differ, refused when malformed, and for a revoked key', () => {
  const registry = registryOf(one)
  const { thumbprint } = one
  assert.equal(planRestriction(registry, thumbprint, {}), undefined)
  const event = planRestriction(registry, thumbprint, { clients: ['a*'] }) ?? assert.fail()
  assert.ok(registry.apply(event, 7))
  assert.equal(planRestriction(registry, thumbprint, { clients: ['a*'] }), undefined)
  for (const bad of [
    { clients: [] },
    { topics: ['a/#/b'] },
    { window: 63 },
    { window: 65_537 },
    { users: [''] },
    { users: ['\ud800'] },
  ]) {
    throwsCode(() => planRestriction(registry, thumbprint, bad), 'ERR_KEY_RESTRICTIONS')
    throwsCode(() => planEnrolment(registry, { key: two, restrictions: bad }, nativeCrypto), 'ERR_KEY_RESTRICTIONS')
  }
  revoke(registry, thumbprint, 8)
  throwsCode(() => planRestriction(registry, thumbprint, {}), 'ERR_KEY_REVOKED')
  throwsCode(() => planRetirement(registry, thumbprint, 0, 9), 'ERR_KEY_REVOKED')
})

test('a retirement counts its overlap from its own index, and is planned once', () => {
  const registry = registryOf(one)
  const event = planRetirement(registry, one.thumbprint, 10, 20) ?? assert.fail()
  assert.equal(event.lastIndex, 30)
  for (const overlap of [-1, 0.5, Number.MAX_SAFE_INTEGER]) {
    assert.throws(() => planRetirement(registry, one.thumbprint, overlap, 20), RangeError)
  }
  registry.apply(event, 20)
  assert.equal(planRetirement(registry, one.thumbprint, 0, 25), undefined)
  throwsCode(() => planRetirement(registry, two.thumbprint, 0, 25), 'ERR_KEY_NOT_FOUND')
})
