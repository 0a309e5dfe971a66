import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clientPrefix, numberKey, numberOfKey, packetIdKey, splitKey } from '../../../broker/sessions/session-keys.ts'
import {
  decodeSessionState,
  decodeSubscription,
  encodeSessionState,
  encodeSubscription,
} from '../../../broker/sessions/session-state-codec.ts'
import { CborWriter } from '../../../protocol/index.ts'
import { fcSeed, wellFormedText } from '../../helpers/arbitraries.ts'
import { codeOf } from '../../helpers/codes.ts'

const state = fc.record(
  {
    expiryIntervalSeconds: fc.nat(0xffff_ffff),
    disconnectedAtMs: fc.option(fc.maxSafeNat(), { nil: undefined }),
    sentUpTo: fc.maxSafeNat(),
    username: fc.option(wellFormedText, { nil: undefined }),
    listener: fc.option(wellFormedText, { nil: undefined }),
  },
  { noNullPrototype: true },
)

const subscription = fc.record(
  {
    qos: fc.constantFrom(0, 1, 2),
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
    subscriptionIdentifier: fc.option(fc.integer({ min: 1, max: 268_435_455 }), { nil: undefined }),
  },
  { noNullPrototype: true },
)

test('the state of a session read back is the one that was written', () => {
  fc.assert(
    fc.property(state, (one) => assert.deepEqual(decodeSessionState(encodeSessionState(one)), one)),
    { seed: fcSeed },
  )
})

test('a subscription read back is the one that was written', () => {
  fc.assert(
    fc.property(subscription, (one) => assert.deepEqual(decodeSubscription(encodeSubscription(one)), one)),
    { seed: fcSeed, numRuns: 300 },
  )
})

test('no byte of either can be cut off, and none be added', () => {
  const options = { qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 } as const
  const whose = { username: 'u', listener: 'l' }
  const cases = [
    [
      encodeSessionState({ ...whose, expiryIntervalSeconds: 3600, disconnectedAtMs: 1e12, sentUpTo: 300 }),
      decodeSessionState,
    ],
    [encodeSubscription({ ...options, subscriptionIdentifier: 300 }), decodeSubscription],
  ] as const
  for (const [encoded, decode] of cases) {
    for (let length = 0; length < encoded.length; length++) {
      assert.match(codeOf(() => decode(encoded.subarray(0, length))) ?? '', /^ERR_CBOR_/, `${length} bytes`)
    }
    assert.match(codeOf(() => decode(Buffer.concat([encoded, Buffer.alloc(1)]))) ?? '', /^ERR_CBOR_/)
  }
})

test('a state that the version before wrote, which did not keep whose it is, is read', () => {
  const older = new CborWriter(16).array(4).int(1).int(60).nil().int(5).finish()
  const expected = { expiryIntervalSeconds: 60, disconnectedAtMs: undefined, sentUpTo: 5 }
  assert.deepEqual(decodeSessionState(older), { ...expected, username: undefined, listener: undefined })
})

test('what another version wrote is not guessed at', () => {
  const head = () => new CborWriter(16)
  const stateOf2 = head().array(4).int(3).int(0).nil().int(0).finish()
  const subscriptionOf2 = head().array(3).int(2).int(0).nil().finish()
  assert.throws(() => decodeSessionState(stateOf2), RangeError)
  assert.throws(() => decodeSubscription(subscriptionOf2), RangeError)
})

test('keys of one client lie together, apart from those of all others, in the order of the numbers', () => {
  const property = fc.property(
    fc.array(fc.tuple(wellFormedText, fc.nat(2 ** 40)), { minLength: 2, maxLength: 40 }),
    (pairs) => {
      const keys = pairs.map(([clientId, number]) => numberKey(clientPrefix(clientId), number)).sort(Buffer.compare)
      const read = keys.map((key) => {
        const { clientId, rest } = splitKey(key)
        return [clientId, numberOfKey(rest)] as const
      })
      const seen: string[] = []
      for (const [i, [clientId, number]] of read.entries()) {
        const before = read[i - 1]
        if (before?.[0] === clientId) assert.ok(before[1] <= number)
        else {
          assert.ok(!seen.includes(clientId), 'one run of keys for each client')
          seen.push(clientId)
        }
      }
      const given = pairs.map(([clientId, number]) => `${clientId} ${number}`).sort()
      assert.deepEqual(read.map(([clientId, number]) => `${clientId} ${number}`).sort(), given)
    },
  )
  fc.assert(property, { seed: fcSeed })
})

test('a client id of 65,535 bytes has its keys, and packet ids have theirs', () => {
  const longest = 'x'.repeat(65_535)
  const { clientId, rest } = splitKey(packetIdKey(clientPrefix(longest), 65_535))
  assert.deepEqual([clientId, rest.readUInt16BE(0)], [longest, 65_535])
})
