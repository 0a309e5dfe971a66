import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configDigest } from '../../broker/config-digest.ts'
import { type BrokerOptions, resolveOptions } from '../../broker/options.ts'

const listeners = [{ protocol: 'mqtt', port: 1883 }] as const
const acl = (byte: number) => new Uint8Array(32).fill(byte)

function digestOf(options: Partial<BrokerOptions>, acls: readonly (Uint8Array | undefined)[] = [undefined]) {
  const digest = configDigest(resolveOptions({ location: '/data', listeners, ...options }), acls)
  return digest === undefined ? undefined : Buffer.from(digest).toString('hex')
}

test('a broker without rules has no digest, whatever its listeners, limits and logs are', () => {
  assert.equal(digestOf({}), undefined)
  assert.equal(digestOf({ maxQueuedMessages: 5, allowAnonymous: true, ackIndex: true, provenance: ['#'] }), undefined)
})

test('whatever decides which publishes are accepted makes another digest, in the 32 bytes of SHA-256', () => {
  const signed = { protect: [{ filter: 'a/#', signed: true }] } as const
  const digests = [
    digestOf(signed),
    digestOf({ protect: [{ filter: 'a/#', signed: true, tls: true }] }),
    digestOf({ protect: [{ filter: 'b/#', signed: true }] }),
    digestOf({ ...signed, clockSkewSeconds: 5 }),
    digestOf({ ...signed, bindClientId: true }),
    digestOf({ ...signed, enrollCertificates: true }),
    digestOf({ ...signed, keyRules: [{ name: 'one', restrictions: { topics: ['a/#'] } }] }),
    digestOf({ ...signed, keyRules: [{ name: 'one', restrictions: { topics: ['b/#'] } }] }),
    digestOf(signed, [acl(1)]),
    digestOf(signed, [acl(2)]),
    digestOf(signed, [undefined, acl(1)]),
    digestOf({}, [acl(1)]),
  ]
  assert.equal(new Set(digests).size, digests.length)
  for (const digest of digests) assert.match(digest ?? '', /^[0-9a-f]{64}$/)
})

test('the order and the number of lines of a policy make no difference', () => {
  const [one, two] = [
    { filter: 'a/#', signed: true },
    { filter: 'b', tls: true },
  ] as const
  assert.equal(digestOf({ protect: [one, two] }), digestOf({ protect: [two, one, two] }))
})
