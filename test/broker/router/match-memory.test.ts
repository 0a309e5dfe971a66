import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  defaultMatchMemoryLimits,
  MatchMemory,
  maxRememberedTopicLength,
  maxTopicsBetweenChanges,
} from '../../../broker/router/match-memory.ts'
import { topicMatchesFilter } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { topicFilter, topicName } from './topics.ts'

function memoryOf(...topicNames: readonly string[]): MatchMemory<string> {
  const memory = new MatchMemory<string>()
  for (const name of topicNames) memory.remember(name, name, 0)
  return memory
}

test('a change forgets the topics that its filter covers and no others', () => {
  const memory = memoryOf('a', 'a/b', 'a/c', 'b/b', '$a/b')
  memory.forget('a/b')
  assert.equal(memory.get('a/b'), undefined)
  memory.forget('+/c')
  assert.equal(memory.get('a/c'), undefined)
  assert.deepEqual([memory.get('a'), memory.get('b/b'), memory.get('$a/b')], ['a', 'b/b', '$a/b'])
  memory.forget('#')
  assert.deepEqual([memory.get('a'), memory.get('b/b'), memory.get('$a/b')], [undefined, undefined, '$a/b'])
})

test('never remembers a topic that a change since then covers, and forgets no other while there is little to search', () => {
  const step = fc.oneof(
    fc.record({ remember: topicName }),
    fc.record({ forget: topicFilter }),
    fc.record({ remember: topicName }),
  )
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const memory = memoryOf()
    const model = new Set<string>()
    for (const one of steps) {
      if ('forget' in one) {
        memory.forget(one.forget)
        for (const name of model) if (topicMatchesFilter(name, one.forget)) model.delete(name)
      } else if (memory.get(one.remember) === undefined) {
        memory.remember(one.remember, one.remember, 0)
        model.add(one.remember)
      }
      assert.equal(memory.size, model.size)
      for (const name of model) assert.equal(memory.get(name), name)
    }
  })
  fc.assert(property, { seed: fcSeed, numRuns: 500 })
})

test('a client that subscribes below a prefix of its own leaves 1000 other topics remembered, however often', () => {
  const memory = memoryOf(...Array.from({ length: 1000 }, (_, i) => `devices/${i}/state`))
  for (let i = 0; i < 10_000; i++) memory.forget(`devices/new-${i}/#`)
  assert.equal(memory.size, 1000)
})

test('changes that search everything in vain end with a fresh start, not with more searching', () => {
  const memory = memoryOf(...Array.from({ length: 1000 }, (_, i) => `devices/${i}/state`))
  let changes = 0
  for (; memory.size > 0 && changes < 100; changes++) memory.forget(`devices/+/+/${changes}`)
  assert.ok(changes > 1 && changes < 20, `${changes} changes`)
})

test('what is forgotten is not searched again', () => {
  const memory = memoryOf('other', ...Array.from({ length: 1000 }, (_, i) => `devices/${i}/state`))
  memory.forget('devices/#')
  for (let i = 0; i < 1000; i++) memory.forget('devices/+/none')
  assert.equal(memory.get('other'), 'other')
})

test('a change of a filter with wildcards after many new topics is a fresh start; one without is not', () => {
  const memory = memoryOf(...Array.from({ length: maxTopicsBetweenChanges + 1 }, (_, i) => `devices/${i}/state`))
  memory.forget('devices/7/state')
  assert.equal(memory.size, maxTopicsBetweenChanges)
  memory.forget('somewhere/else/#')
  assert.equal(memory.size, 0)
})

test('remembers no more than its limits allow', () => {
  const count = new MatchMemory<string>({ ...defaultMatchMemoryLimits, topics: 3 })
  const characters = new MatchMemory<string>({ ...defaultMatchMemoryLimits, characters: 10 })
  const weight = new MatchMemory<string>({ ...defaultMatchMemoryLimits, weight: 5 })
  for (let i = 0; i < 20; i++) {
    count.remember(`${i}`, '', 0)
    characters.remember(`topic/${i}`.slice(-4), '', 0)
    weight.remember(`${i}`, '', 2)
    assert.ok(count.size >= 1 && count.size <= 3)
    assert.ok(characters.size >= 1 && characters.size <= 3)
    assert.ok(weight.size >= 1 && weight.size <= 2)
  }
})

test('what alone is beyond the limits is not remembered, and nothing is forgotten for it', () => {
  const memory = new MatchMemory<string>({ ...defaultMatchMemoryLimits, weight: 5 })
  memory.remember('a', 'a', 5)
  memory.remember('b', 'b', 6)
  memory.remember('c'.repeat(maxRememberedTopicLength + 1), 'c', 0)
  assert.equal(memory.size, 1)
  assert.equal(memory.get('a'), 'a')
})

test('topics that are forgotten and remembered again and again stay within the limits', () => {
  const memory = new MatchMemory<string>({ ...defaultMatchMemoryLimits, topics: 100 })
  for (let i = 0; i < 10_000; i++) {
    memory.remember(`a/${i}`, '', 0)
    if (i % 3 === 0) memory.forget('a/#')
    assert.ok(memory.size <= 100)
  }
})
