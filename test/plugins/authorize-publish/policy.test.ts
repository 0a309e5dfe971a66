import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PublishPolicy } from '../../../plugins/index.ts'
import { topicMatchesFilter } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const policyOf = (...filters: readonly string[]) =>
  new PublishPolicy(filters.map((filter) => ({ filter, signed: true }) as const))

test('without rules nothing has to be signed', () => {
  const policy = policyOf()
  for (const topic of ['a', 'a/b', '$SYS/x', '']) assert.equal(policy.requiresSignature(topic), false)
})

test('a topic has to be signed when any rule matches it', () => {
  const policy = policyOf('valves/+/set', 'plant/#', 'exact')
  for (const topic of ['valves/7/set', 'plant', 'plant/1/2', 'exact', 'valves//set']) {
    assert.equal(policy.requiresSignature(topic), true, topic)
  }
  for (const topic of ['valves/7/get', 'valves/7/set/x', 'exact/', 'Plant/1', '']) {
    assert.equal(policy.requiresSignature(topic), false, topic)
  }
})

test('filters that begin with a wildcard do not cover topics that begin with $', () => {
  const policy = policyOf('#', '+/x')
  assert.equal(policy.requiresSignature('anything/else'), true)
  for (const topic of ['$SYS/x', '$share', '$x/x']) assert.equal(policy.requiresSignature(topic), false, topic)
  assert.equal(policyOf('$x/#').requiresSignature('$x/x'), true)
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
    for (let i = 0; i < 25_000; i++) assert.equal(policy.requiresSignature(topic(i)), i % 2 === 0)
  }
  const long = `even/${'x'.repeat(60_000)}`
  for (const _ of ['asked first', 'asked again']) assert.equal(policy.requiresSignature(long), true)
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
    for (const _ of ['asked first', 'remembered']) assert.equal(policy.requiresSignature(topic), expected)
  })
  fc.assert(property, { seed: fcSeed, numRuns: 500 })
})
