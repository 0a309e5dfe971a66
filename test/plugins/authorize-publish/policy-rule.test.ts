import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PublishPolicy } from '../../../plugins/authorize-publish/policy.ts'
import {
  conflictBetween,
  isNamePattern,
  mistakeInRules,
  type ProtectRule,
} from '../../../plugins/authorize-publish/policy-rule.ts'

describe('rules that a program gives', () => {
  const good: readonly ProtectRule[] = [
    { filter: '#', tls: true },
    { filter: 'a/+', signed: true, mac: true, encrypted: true, tls: true, freshSeconds: 1, keys: ['*', 'plc-*'] },
    { filter: 'a/b', none: true },
    { filter: 'a/b', none: true },
  ]
  test('are taken with every word there is', () => {
    assert.equal(mistakeInRules(good), undefined)
    assert.deepEqual(new PublishPolicy(good).rules, good)
  })

  for (const [what, rule] of Object.entries<unknown>({
    'no filter': { signed: true },
    'a filter with # in the middle': { filter: 'a/#/b', signed: true },
    'nothing asked for': { filter: 'a' },
    'a word that is false': { filter: 'a', signed: false },
    'a word that is a text': { filter: 'a', mac: 'yes' },
    'an age of nothing': { filter: 'a', freshSeconds: 0 },
    'half a second': { filter: 'a', freshSeconds: 1.5 },
    'an age of more than a year': { filter: 'a', freshSeconds: 31_536_001 },
    'no pattern': { filter: 'a', keys: [] },
    'a pattern that is empty': { filter: 'a', keys: ['plc-*', ''] },
    'a pattern instead of a list': { filter: 'a', keys: 'plc-*' },
    'none beside another word': { filter: 'a', none: true, signed: true },
    'none beside an age': { filter: 'a', none: true, freshSeconds: 5 },
  })) {
    test(`are refused with ${what}`, () => {
      assert.notEqual(mistakeInRules([...good, rule as ProtectRule]), undefined)
      assert.throws(() => new PublishPolicy([rule as ProtectRule]), RangeError)
    })
  }

  test('are refused when none and another one could be read either way', () => {
    const rules = [
      { filter: 'a/+', signed: true },
      { filter: '+/b', none: true },
    ] as const
    assert.notEqual(mistakeInRules(rules), undefined)
    assert.throws(() => new PublishPolicy(rules), RangeError)
  })
})

describe('none and another rule', () => {
  const conflict = (none: string, other: string) =>
    conflictBetween({ filter: none, none: true }, { filter: other, signed: true })

  test('are clear when one is strictly inside the other, or they share no topic', () => {
    for (const [none, other] of [
      ['a/b', 'a/#'],
      ['a/#', 'a/b'],
      ['a/+', 'b/+'],
      ['#', '$SYS/#'],
      ['+/x', '$SYS/x'],
    ] as const) {
      assert.equal(conflict(none, other), undefined, `${none} ${other}`)
    }
  })

  test('are not when they cover the same topics, also when written differently', () => {
    for (const [none, other] of [
      ['a/b', 'a/b'],
      ['#', '+/#'],
      ['+/#', '#'],
    ] as const) {
      assert.equal(conflict(none, other), 'cover the same topics', `${none} ${other}`)
    }
  })

  test('are not when they overlap without being nested', () => {
    for (const [none, other] of [
      ['a/+', '+/b'],
      ['+/b/#', 'a/#'],
      ['a/+/c', 'a/b/#'],
    ] as const) {
      assert.equal(conflict(none, other), 'share topics, and neither is inside the other', `${none} ${other}`)
    }
  })

  test('concern neither two that ask nor two with none', () => {
    assert.equal(conflictBetween({ filter: 'a', signed: true }, { filter: 'a', tls: true }), undefined)
    assert.equal(conflictBetween({ filter: 'a', none: true }, { filter: 'a', none: true }), undefined)
    assert.equal(conflictBetween({ filter: 'a', signed: true }, { filter: 'a', none: true }), undefined)
  })
})

test('a pattern has one byte at least and 255 at most, as the names of keys', () => {
  for (const pattern of ['*', 'plc-*', 'a'.repeat(255)]) assert.equal(isNamePattern(pattern), true, pattern)
  for (const pattern of ['', 'a'.repeat(256), '\u00e4'.repeat(128), 5, undefined]) {
    assert.equal(isNamePattern(pattern), false, String(pattern))
  }
})
