import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { policyDigestInput } from '../../../plugins/authorize-publish/policy-digest.ts'
import type { ProtectRule } from '../../../plugins/authorize-publish/policy-rule.ts'
import { decodeCbor, toHex } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const input = (...rules: readonly ProtectRule[]) => toHex(policyDigestInput(rules))

const rules: readonly ProtectRule[] = [
  { filter: 'a/#', signed: true },
  { filter: 'a/#', freshSeconds: 30, keys: ['x*', 'plc-*'] },
  { filter: 'b', mac: true },
  { filter: 'b/c', encrypted: true },
  { filter: '#', tls: true },
  { filter: 'a/open', none: true },
]

describe('the bytes of a policy', () => {
  test('are CBOR that names every filter and what it asks for', () => {
    const expected = new Map([
      ['#', new Map([[4, true]])],
      ['b', new Map([1, 2].map((word) => [word, true]))],
      [
        'a/#',
        new Map<number, unknown>([
          ...([
            [1, true],
            [5, 30],
            [6, ['plc-*', 'x*']],
          ] as const),
        ]),
      ],
      ['b/c', new Map([[3, true]])],
      ['a/open', new Map()],
    ])
    assert.deepEqual(decodeCbor(policyDigestInput(rules)), expected)
    assert.equal(input(), 'a0')
  })

  test('are the same in any order, and when something is said twice', () => {
    const property = fc.property(fc.shuffledSubarray([...rules], { minLength: rules.length }), (shuffled) => {
      assert.equal(input(...shuffled, ...shuffled.slice(0, 2)), input(...rules))
    })
    fc.assert(property, { seed: fcSeed, numRuns: 50 })
  })

  test('are the same for what implies the same', () => {
    assert.equal(input({ filter: 'a', mac: true }), input({ filter: 'a', signed: true, mac: true }))
    assert.equal(
      input({ filter: 'a', freshSeconds: 5 }),
      input({ filter: 'a', freshSeconds: 9 }, { filter: 'a', signed: true, freshSeconds: 5 }),
    )
  })

  test('differ for policies that differ', () => {
    const others: readonly (readonly ProtectRule[])[] = [
      [],
      rules.slice(2),
      [...rules, { filter: 'c', signed: true }],
      [...rules.slice(0, 1), { filter: 'a/#', freshSeconds: 31, keys: ['x*', 'plc-*'] }, ...rules.slice(2)],
      [...rules.slice(0, 1), { filter: 'a/#', freshSeconds: 30, keys: ['plc-*'] }, ...rules.slice(2)],
      rules.slice(0, -1),
    ]
    assert.equal(new Set([rules, ...others].map((policy) => input(...policy))).size, others.length + 1)
  })
})
