import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  filterContains,
  filterStrictlyContains,
  filtersOverlap,
} from '../../../plugins/authorize-publish/policy-filters.ts'
import { topicMatchesFilter } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

/** The letters of filters, and one more, which stands for all that no filter names. */
const letters = ['a', 'b', '', '$x']
const levels = [...letters, 'other']

/** Every topic of up to four levels: one more than the filters below have. */
const topics = [1, 2, 3, 4].flatMap((length) =>
  Array.from({ length: levels.length ** length }, (_, number) =>
    Array.from({ length }, (_level, place) => levels[Math.floor(number / levels.length ** place) % levels.length]).join(
      '/',
    ),
  ),
)

const filter = fc
  .tuple(fc.array(fc.constantFrom(...letters, '+'), { maxLength: 3 }), fc.boolean())
  .map(([parts, isOpen]) => (isOpen ? [...parts.slice(0, 2), '#'] : parts).join('/'))
  .filter((text) => text !== '')
const remembered = new Map<string, ReadonlySet<string>>()

function covered(text: string): ReadonlySet<string> {
  const set = remembered.get(text) ?? new Set(topics.filter((topic) => topicMatchesFilter(topic, text)))
  remembered.set(text, set)
  return set
}

describe('two topic filters', () => {
  test('contain, strictly contain and overlap each other as the sets of topics that they cover do', () => {
    const property = fc.property(filter, filter, (one, other) => {
      const [ofOne, ofOther] = [covered(one), covered(other)]
      const shared = [...ofOther].filter((topic) => ofOne.has(topic)).length
      const contains = shared === ofOther.size
      assert.equal(filterContains(one, other), contains, `${one} contains ${other}`)
      assert.equal(filterStrictlyContains(one, other), contains && ofOne.size > ofOther.size, `${one} ${other}`)
      assert.equal(filtersOverlap(one, other), shared > 0, `${one} overlaps ${other}`)
    })
    fc.assert(property, { seed: fcSeed, numRuns: 600 })
  })

  for (const [one, other, isStrict] of [
    ['plant/#', 'plant/+/state', true],
    ['plant/#', 'plant', true],
    ['plant/+', 'plant/1', true],
    ['#', '+/a', true],
    ['#', '+/#', false],
    ['+/#', '#', false],
    ['$SYS/#', '$SYS/broker/#', true],
  ] as const) {
    test(`${one} contains ${other}${isStrict ? '' : ', and no more than that'}`, () => {
      assert.deepEqual(
        [filterContains(one, other), filterStrictlyContains(one, other), filtersOverlap(one, other)],
        [true, isStrict, true],
      )
    })
  }

  for (const [one, other] of [
    ['plant/+', 'plant'],
    ['plant/1', 'plant/2'],
    ['#', '$SYS/broker'],
    ['+/broker', '$SYS/broker'],
    ['#', '$SYS/#'],
    ['a/+/b', 'a/b'],
  ] as const) {
    test(`${one} and ${other} have no topic in common`, () => {
      assert.deepEqual(
        [filterContains(one, other), filtersOverlap(one, other), filtersOverlap(other, one)],
        [false, false, false],
      )
    })
  }

  test('plant/+/set and plant/7/# share a topic, and each has one that the other has not', () => {
    const [one, other] = ['plant/+/set', 'plant/7/#'] as const
    assert.deepEqual(
      [filterContains(one, other), filterContains(other, one), filtersOverlap(one, other)],
      [false, false, true],
    )
  })
})
