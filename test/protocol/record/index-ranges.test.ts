import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type IndexRange, RangeList, RangeSet, unionOfRanges } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'

const size = 60
const range: fc.Arbitrary<IndexRange> = fc
  .tuple(fc.nat(size - 1), fc.nat(8))
  .map(([first, more]) => [first, Math.min(first + more, size - 1)])
const ranges = fc.array(range, { maxLength: 12 })

/** The indexes in some ranges, one by one. */
function indexesOf(given: readonly IndexRange[]): ReadonlySet<number> {
  const all = new Set<number>()
  for (const [first, last] of given) for (let index = first; index <= last; index++) all.add(index)
  return all
}

test('a union has the indexes of all ranges, in ascending ranges with something left between two', () => {
  fc.assert(
    fc.property(ranges, (given) => {
      const union = unionOfRanges(given)
      assert.deepEqual(
        [...indexesOf(union)],
        [...indexesOf(given)].sort((a, b) => a - b),
      )
      for (const [i, [first]] of union.entries()) assert.ok(i === 0 || first > (union[i - 1] as IndexRange)[1] + 1)
    }),
    { seed: fcSeed },
  )
})

test('a list has the indexes that were added, in as few ranges as a union', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(size)), (indexes) => {
      const list = new RangeList()
      for (const index of indexes.toSorted((a, b) => a - b)) list.add(index)
      assert.deepEqual(list.ranges, unionOfRanges(indexes.map((index) => [index, index])))
    }),
    { seed: fcSeed },
  )
})

test('a set knows each index in it, and the first one of any stretch that is not', () => {
  fc.assert(
    fc.property(ranges, range, (given, [first, last]) => {
      const set = new RangeSet(unionOfRanges(given))
      const naive = indexesOf(given)
      for (let index = 0; index < size; index++) assert.equal(set.has(index), naive.has(index), `${index}`)
      const outside = [...indexesOf([[first, last]])].find((index) => !naive.has(index))
      assert.equal(set.firstOutside(first, last), outside)
      const inside = [...naive].filter((index) => index >= first)
      assert.equal(set.nextFrom(first), inside.length === 0 ? undefined : Math.min(...inside))
    }),
    { seed: fcSeed },
  )
})
