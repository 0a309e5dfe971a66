import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KeyRegistry, nativeCrypto, type PluginErrorCode } from '../../../plugins/index.ts'
import { KeyRegistry as Registry } from '../../../plugins/key-registry/index.ts'
import type { KeyEvent, P256PublicKey } from '../../../protocol/index.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { registryOf } from '../../helpers/publishes.ts'

const [one, two, three] = [numberedKey(1), numberedKey(2), numberedKey(3)] as const

function throwsCode(run: () => unknown, code: PluginErrorCode): void {
  assert.throws(run, { name: 'PluginError', code })
}

function revoke(registry: KeyRegistry, prefix: Uint8Array, index: number): void {
  registry.apply(registry.planRevocation(prefix, undefined) ?? assert.fail('nothing to revoke'), index)
}

test('an enrolment says who and under which name, and counts from its index on', () => {
  const registry = new Registry(nativeCrypto)
  const event = registry.planEnrolment(one, 'pump') as KeyEvent & { action: 'enroll' }
  assert.deepEqual([event.action, event.name], ['enroll', 'pump'])
  assert.deepEqual(Buffer.from(event.thumbprint), Buffer.from(one.thumbprint))
  assert.equal(registry.resolve(one.thumbprint), undefined, 'planning changes nothing')
  registry.apply(event, 12)
  const key = registry.resolve(one.thumbprint)
  assert.deepEqual([key?.name, key?.enrolledAt, key?.revokedAt, key?.window.highest], ['pump', 12, undefined, -1])
})

test('a key without a name is named after its short kid', () => {
  const event = new Registry(nativeCrypto).planEnrolment(one, undefined)
  assert.ok(event?.action === 'enroll')
  assert.equal(event.name, Buffer.from(one.thumbprint.subarray(0, 8)).toString('hex'))
})

test('enrolling a key again is nothing new under its own name or none, and refused under another', () => {
  const registry = registryOf(one)
  assert.equal(registry.planEnrolment(one, 'key 1'), undefined)
  assert.equal(registry.planEnrolment(one, undefined), undefined)
  throwsCode(() => registry.planEnrolment(one, 'other'), 'ERR_KEY_EXISTS')
})

test('a revoked key stays revoked', () => {
  const registry = registryOf(one)
  revoke(registry, one.thumbprint, 5)
  assert.equal(registry.resolve(one.thumbprint)?.revokedAt, 5)
  for (const name of ['key 1', undefined, 'other']) {
    throwsCode(() => registry.planEnrolment(one, name), 'ERR_KEY_EXISTS')
  }
  assert.equal(registry.planRevocation(one.thumbprint, 'again'), undefined)
})

test('a name is given once, also when its key was revoked', () => {
  const registry = registryOf(one)
  throwsCode(() => registry.planEnrolment(two, 'key 1'), 'ERR_KEY_NAME_TAKEN')
  revoke(registry, one.thumbprint, 5)
  throwsCode(() => registry.planEnrolment(two, 'key 1'), 'ERR_KEY_NAME_TAKEN')
  assert.ok(registry.planEnrolment(two, '__proto__') !== undefined)
})

test('a name has 1 to 255 bytes of UTF-8 and no control characters', () => {
  const registry = new Registry(nativeCrypto)
  for (const name of ['', 'a\nb', '\u0000', 'x\u007f', '\u009fx', 'x'.repeat(256), 'é'.repeat(128)]) {
    throwsCode(() => registry.planEnrolment(one, name), 'ERR_KEY_NAME_INVALID')
  }
  for (const name of ['x'.repeat(255), 'é'.repeat(127), 'Pumpe 7/Süd']) {
    assert.ok(registry.planEnrolment(one, name) !== undefined, name)
  }
})

test('a key whose short kid is that of another key is refused', () => {
  // Real keys whose thumbprints agree in 8 bytes cannot be made; a hash that ends everything in zeros can.
  const crypto = {
    ...nativeCrypto,
    sha256: (...parts: readonly Uint8Array[]) => colliding(nativeCrypto.sha256(...parts)),
  }
  const registry = new Registry(crypto)
  const event = registry.planEnrolment(publicOf(one), 'first') ?? assert.fail('no event')
  registry.apply(event, 1)
  throwsCode(() => registry.planEnrolment(publicOf(two), 'second'), 'ERR_KEY_KID_COLLISION')
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
  assert.equal(registry.find(first?.thumbprint.subarray(0, 6) ?? assert.fail()).name, 'key 1')
  throwsCode(() => registry.find(new Uint8Array(0)), 'ERR_KEY_NOT_FOUND')
  throwsCode(() => registry.find(one.thumbprint), 'ERR_KEY_NOT_FOUND')
  // Of 300 keys at least two begin with the same byte.
  const twice = keys.find((key, i) => keys.some((other, j) => j !== i && other.thumbprint[0] === key.thumbprint[0]))
  throwsCode(() => registry.find(twice?.thumbprint.subarray(0, 1) ?? assert.fail()), 'ERR_KEY_AMBIGUOUS')
  throwsCode(
    () => registry.planRevocation(twice?.thumbprint.subarray(0, 1) ?? assert.fail(), undefined),
    'ERR_KEY_AMBIGUOUS',
  )
  throwsCode(() => registry.planRevocation(one.thumbprint, undefined), 'ERR_KEY_NOT_FOUND')
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
