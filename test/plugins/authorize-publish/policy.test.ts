import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { noTopicPolicy, PublishPolicy, type TopicPolicy } from '../../../plugins/authorize-publish/policy.ts'
import type { ProtectRule } from '../../../plugins/authorize-publish/policy-rule.ts'
import { topicMatchesFilter } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const policyOf = (...filters: readonly string[]) =>
  new PublishPolicy(filters.map((filter) => ({ filter, signed: true }) as const))

test('without rules nothing has to be signed', () => {
  const policy = policyOf()
  for (const topic of ['a', 'a/b', '$SYS/x', '']) assert.equal(policy.of(topic).signed, false)
})

test('a topic has to be signed when any rule matches it', () => {
  const policy = policyOf('valves/+/set', 'plant/#', 'exact')
  for (const topic of ['valves/7/set', 'plant', 'plant/1/2', 'exact', 'valves//set']) {
    assert.equal(policy.of(topic).signed, true, topic)
  }
  for (const topic of ['valves/7/get', 'valves/7/set/x', 'exact/', 'Plant/1', '']) {
    assert.equal(policy.of(topic).signed, false, topic)
  }
})

test('filters that begin with a wildcard do not cover topics that begin with $', () => {
  const policy = policyOf('#', '+/x')
  assert.equal(policy.of('anything/else').signed, true)
  for (const topic of ['$SYS/x', '$share', '$x/x']) assert.equal(policy.of(topic).signed, false, topic)
  assert.equal(policyOf('$x/#').of('$x/x').signed, true)
})

test('a rule whose filter is none is refused', () => {
  for (const filter of ['', 'a/#/b', 'a#', 'a+', '+a/b', 'a\0b']) {
    assert.throws(() => policyOf('ok', filter), RangeError, JSON.stringify(filter))
  }
})

test('answers stay the same however many topics are asked about', () => {
  const policy = policyOf('even/+')
  const topic = (i: number) => (i % 2 === 0 ? `even/${i}` : `odd/${i}`)
  for (const _ of ['asked first', 'asked again']) {
    for (let i = 0; i < 25_000; i++) assert.equal(policy.of(topic(i)).signed, i % 2 === 0)
  }
  const long = `even/${'x'.repeat(60_000)}`
  for (const _ of ['asked first', 'asked again']) assert.equal(policy.of(long).signed, true)
})

test('the answer is that of the filters, for any topic', () => {
  const level = fc.constantFrom('a', 'b', '', '$x', '__proto__', 'constructor')
  const filterLevel = fc.oneof(level, fc.constant('+'))
  const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
  const filters = fc
    .tuple(fc.array(filterLevel, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, isOpen]) => (isOpen ? [...levels, '#'] : levels).join('/'))
    .filter((filter) => filter !== '')
  const property = fc.property(fc.array(filters, { maxLength: 3 }), topics, (rules, topic) => {
    const policy = policyOf(...rules)
    const expected = rules.some((filter) => topicMatchesFilter(topic, filter))
    for (const _ of ['asked first', 'remembered']) assert.equal(policy.of(topic).signed, expected)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 500 })
})

describe('what is asked of a topic', () => {
  const asked = (rules: readonly ProtectRule[], topic: string): Partial<TopicPolicy> => {
    const entries = Object.entries(new PublishPolicy(rules).of(topic))
    return Object.fromEntries(entries.filter(([word, value]) => value !== noTopicPolicy[word as keyof TopicPolicy]))
  }

  test('is one shared object for nothing, and frozen in any case', () => {
    const policy = new PublishPolicy([{ filter: 'a', keys: ['x'] }])
    for (const topic of ['b', 'a/b']) assert.equal(policy.of(topic), noTopicPolicy)
    assert.equal(new PublishPolicy([]).of('a'), noTopicPolicy)
    for (const one of [policy.of('a'), noTopicPolicy]) {
      assert.ok(Object.isFrozen(one) && Object.isFrozen(one.keys))
    }
    assert.equal(policy.of('a'), policy.of('a'))
  })

  test('is what all rules that cover it ask for: the shortest age, every pattern once', () => {
    const rules: readonly ProtectRule[] = [
      { filter: '#', tls: true },
      { filter: 'plant/#', freshSeconds: 60, keys: ['plc-*'] },
      { filter: 'plant/+/cmd', freshSeconds: 5, keys: ['*-main', 'plc-*'], encrypted: true },
      { filter: 'other', mac: true },
    ]
    assert.deepEqual(asked(rules, 'plant/1/cmd'), {
      signed: true,
      encrypted: true,
      tls: true,
      freshSeconds: 5,
      keys: ['*-main', 'plc-*'],
    })
    assert.deepEqual(asked(rules, 'plant/1'), { signed: true, tls: true, freshSeconds: 60, keys: ['plc-*'] })
    assert.deepEqual(asked(rules, 'elsewhere'), { tls: true })
    assert.deepEqual(asked(rules, '$SYS/broker'), {})
  })

  test('is a signature wherever a MAC, an age or a key is asked for, and not for encryption or TLS', () => {
    for (const rule of [{ signed: true }, { mac: true }, { freshSeconds: 1 }, { keys: ['*'] }] as const) {
      const policy = new PublishPolicy([{ filter: 'a', ...rule }])
      assert.equal(policy.of('a').signed, true, JSON.stringify(rule))
      assert.equal(policy.of('a').signed, true)
    }
    for (const rule of [{ encrypted: true }, { tls: true }] as const) {
      assert.equal(new PublishPolicy([{ filter: 'a', ...rule }]).of('a').signed, false, JSON.stringify(rule))
    }
  })

  test('is less where a narrower none takes it away, until something inside that asks again', () => {
    const rules: readonly ProtectRule[] = [
      { filter: '#', tls: true },
      { filter: 'a/#', signed: true },
      { filter: 'a/b/#', none: true },
      { filter: 'a/b/c/#', encrypted: true },
      { filter: 'a/b/c/d', none: true },
    ]
    assert.deepEqual(asked(rules, 'a/x'), { signed: true, tls: true })
    for (const topic of ['a/b', 'a/b/x', 'a/b/c/d']) assert.deepEqual(asked(rules, topic), {}, topic)
    for (const topic of ['a/b/c', 'a/b/c/x', 'a/b/c/d/e'])
      assert.deepEqual(asked(rules, topic), { encrypted: true }, topic)
    const policy = new PublishPolicy(rules)
    assert.deepEqual([policy.hasTlsRules, policy.requiresTls('a/x'), policy.requiresTls('a/b')], [true, true, false])
  })

  test('does not need TLS anywhere when no rule says so', () => {
    assert.equal(new PublishPolicy([{ filter: '#', signed: true }]).hasTlsRules, false)
  })

  test('comes from rules that can be named, those that a none removed with it', () => {
    const [wide, narrow, none] = [
      { filter: '#', tls: true },
      { filter: 'a/b', signed: true },
      { filter: 'a/+', none: true },
    ] as const
    const policy = new PublishPolicy([wide, narrow, none])
    assert.deepEqual(policy.explain('a/b'), [
      { rule: wide, removedBy: none },
      { rule: narrow, removedBy: undefined },
    ])
    assert.deepEqual(policy.explain('b'), [{ rule: wide, removedBy: undefined }])
    assert.deepEqual(policy.explain('$SYS/a'), [])
  })
})

test('a none never weakens what is asked inside it, and a rule more never weakens anything', () => {
  const level = fc.constantFrom('a', 'b', '+')
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 2 }), fc.boolean())
    .map(([levels, isOpen]) => (isOpen ? [...levels, '#'] : levels).join('/'))
  const rule: fc.Arbitrary<ProtectRule> = fc
    .tuple(filter, fc.constantFrom({ signed: true }, { tls: true }, { encrypted: true }, { none: true }))
    .map(([text, words]) => ({ filter: text, ...(words as { signed: true }) }))
  const topics = ['a', 'b', 'a/a', 'a/b', 'b/a', 'a/b/b', 'c/b']
  const policyOrNone = (rules: readonly ProtectRule[]) => {
    try {
      return new PublishPolicy(rules)
    } catch (error) {
      assert.ok(error instanceof RangeError)
      return undefined
    }
  }
  let seen = 0
  const property = fc.property(fc.array(rule, { maxLength: 4 }), rule, (rules, added) => {
    const [before, after] = [policyOrNone(rules), policyOrNone([...rules, added])]
    if (before === undefined || after === undefined) return
    seen++
    for (const topic of topics) {
      for (const word of ['signed', 'tls', 'encrypted'] as const) {
        const isLess = before.of(topic)[word] && !after.of(topic)[word]
        if (!isLess) continue
        assert.ok(added.none === true && topicMatchesFilter(topic, added.filter), `${topic} ${JSON.stringify(rules)}`)
      }
    }
  })
  fc.assert(property, { seed: fcSeed, numRuns: 1000 })
  assert.ok(seen > 300, 'most are policies')
})
