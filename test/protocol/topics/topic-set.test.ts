import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TopicMemory, TopicSet, topicMatchesFilter } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const level = fc.constantFrom('a', 'b', '', '$x')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen || levels.length === 0 ? ['#'] : [])].join('/'))

test('a set has the topics that one of its filters covers, asked for the first time or again', () => {
  const property = fc.property(
    fc.array(filter, { maxLength: 4 }),
    fc.array(topic, { maxLength: 20 }),
    (filters, topics) => {
      const set = new TopicSet(filters, 3)
      assert.equal(set.isEmpty, filters.length === 0)
      for (const one of [...topics, ...topics]) {
        assert.equal(
          set.has(one),
          filters.some((each) => topicMatchesFilter(one, each)),
          `${one} in ${filters}`,
        )
      }
    },
  )
  fc.assert(property, { seed: fcSeed, numRuns: 500 })
})

test('a memory asks once, and again when it has started over', () => {
  const asked: string[] = []
  const memory = new TopicMemory<number>(2)
  const find = (name: string) => asked.push(name)
  for (const name of ['a', 'a', 'b', 'c', 'a']) memory.of(name, find)
  assert.deepEqual(asked, ['a', 'b', 'c', 'a'])
})

test('very long topics are not kept', () => {
  let asked = 0
  const memory = new TopicMemory<number>()
  for (let times = 0; times < 2; times++) memory.of('a'.repeat(257), () => asked++)
  assert.equal(asked, 2)
})
