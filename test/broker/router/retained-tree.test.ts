import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FilterWalk } from '../../../broker/router/filter-walk.ts'
import { RetainedTree } from '../../../broker/router/index.ts'
import { topicMatchesFilter } from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { topicFilter, topicName } from './topics.ts'

/** A tree that keeps each topic name at itself. */
function treeOf(topicNames: Iterable<string>): RetainedTree<string> {
  const tree = new RetainedTree<string>()
  for (const name of topicNames) tree.set(name, name)
  return tree
}

test('all values are those of every topic, $SYS included', () => {
  const names = ['a', 'a/b', '/', '$SYS/x', '$other']
  assert.deepEqual([...treeOf(names).values()].sort(), [...names].sort())
})

describe('examples of the standard', () => {
  const rows: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
    [
      '[MQTT-5.0 4.7.1.2] # covers the parent and any number of levels',
      'sport/tennis/player1/#',
      ['sport/tennis/player1', 'sport/tennis/player1/ranking', 'sport/tennis/player1/score/wimbledon'],
      ['sport/tennis', 'sport/tennis/player2', 'sport/tennis/player10'],
    ],
    ['[MQTT-5.0 4.7.1.2] sport/# covers sport', 'sport/#', ['sport', 'sport/', 'sport/tennis'], ['sports', '/sport']],
    ['[MQTT-5.0 4.7.1.2] # covers everything', '#', ['a', '/', 'a/b/c', '/finance'], ['$SYS', '$SYS/a']],
    [
      '[MQTT-5.0 4.7.1.3] + covers one level',
      'sport/tennis/+',
      ['sport/tennis/player1', 'sport/tennis/player2', 'sport/tennis/'],
      ['sport/tennis/player1/ranking', 'sport/tennis'],
    ],
    ['[MQTT-5.0 4.7.1.3] sport/+ covers sport/ but not sport', 'sport/+', ['sport/'], ['sport', 'sport/a/b']],
    ['[MQTT-5.0 4.7.1.3] +/+ covers /finance', '+/+', ['/finance', 'a/b', '/'], ['finance', 'a/b/c']],
    ['[MQTT-5.0 4.7.1.3] /+ covers /finance', '/+', ['/finance', '/'], ['finance', 'a/finance']],
    ['[MQTT-5.0 4.7.1.3] + does not cover /finance', '+', ['finance'], ['/finance', '$SYS']],
    ['[MQTT-5.0 4.7.1.3] +/tennis/#', '+/tennis/#', ['a/tennis', '/tennis/b'], ['tennis', '$a/tennis']],
    [
      '[MQTT-5.0 4.7.2-1] a leading wildcard covers no $',
      '+/monitor/Clients',
      ['a/monitor/Clients'],
      ['$SYS/monitor/Clients'],
    ],
    ['[MQTT-5.0 4.7.2] $SYS/# covers what is below $SYS', '$SYS/#', ['$SYS', '$SYS/a'], ['SYS', 'a/$SYS/b']],
    ['[MQTT-5.0 4.7.2] $SYS/monitor/+', '$SYS/monitor/+', ['$SYS/monitor/Clients'], ['$SYS/monitor']],
    ['[MQTT-5.0 4.7.3] topics are case sensitive', 'ACCOUNTS', ['ACCOUNTS'], ['Accounts', 'accounts']],
    ['[MQTT-5.0 4.7.3] a space counts', 'Accounts payable', ['Accounts payable'], ['Accountspayable']],
    ['[MQTT-5.0 4.7.3-4] nothing is normalised', '\u00e5', ['\u00e5'], ['a\u030a']],
  ]
  for (const [name, filter, covered, others] of rows) {
    test(name, () => {
      assert.deepEqual([...treeOf([...covered, ...others]).match(filter)].sort(), [...covered].sort())
    })
  }
})

test('gives what a matcher that looks at every topic gives, after any sets and deletes', () => {
  const change = fc.record({ name: topicName, present: fc.boolean() })
  const property = fc.property(
    fc.array(change, { maxLength: 30 }),
    fc.array(topicFilter, { maxLength: 10 }),
    (changes, filters) => {
      const tree = new RetainedTree<string>()
      const model = new Set<string>()
      for (const { name, present } of changes) {
        if (present) tree.set(name, name)
        else tree.delete(name)
        if (present) model.add(name)
        else model.delete(name)
      }
      assert.equal(tree.size, model.size)
      for (const filter of filters) {
        const expected = [...model].filter((name) => topicMatchesFilter(name, filter))
        assert.deepEqual([...tree.match(filter)].sort(), expected.sort())
      }
    },
  )
  fc.assert(property, { seed: fcSeed, numRuns: 1000 })
})

test('while it is matched, what was deleted before its turn does not appear and what stays appears once', () => {
  const property = fc.property(
    fc.uniqueArray(topicName, { minLength: 1, maxLength: 20 }),
    topicFilter,
    fc.array(fc.record({ name: topicName, present: fc.boolean() }), { maxLength: 20 }),
    (names, filter, changes) => {
      const tree = treeOf(names)
      const touched = new Set<string>()
      const deleted = new Set<string>()
      const given: string[] = []
      const left = changes.values()
      for (const name of tree.match(filter)) {
        assert.ok(!deleted.has(name), `${name} was deleted before`)
        assert.ok(topicMatchesFilter(name, filter))
        given.push(name)
        const change = left.next().value
        if (change === undefined) continue
        touched.add(change.name)
        if (change.present) {
          tree.set(change.name, change.name)
          deleted.delete(change.name)
        } else {
          tree.delete(change.name)
          deleted.add(change.name)
        }
      }
      const untouched = (list: readonly string[]): string[] => list.filter((name) => !touched.has(name)).sort()
      assert.deepEqual(untouched(given), untouched(names.filter((name) => topicMatchesFilter(name, filter))))
    },
  )
  fc.assert(property, { seed: fcSeed, numRuns: 1000 })
})

test('set gives the value it replaces, and the new one is found', () => {
  const tree = new RetainedTree<number>()
  assert.equal(tree.set('a/b', 1), undefined)
  assert.equal(tree.set('a/b', 0), 1)
  assert.equal(tree.size, 1)
  assert.equal(tree.get('a/b'), 0)
  assert.deepEqual([...tree.match('a/+')], [0])
  assert.equal(tree.delete('a/b'), 0)
  assert.equal(tree.size, 0)
})

test('a filter without wildcards visits its own levels and nothing else', () => {
  const tree = treeOf(Array.from({ length: 10_000 }, (_, i) => `plant/line-${i % 10}/press-${i}`))
  const walk = new FilterWalk(tree.rootOf('plant'), 'plant/line-3/press-3')
  assert.deepEqual([...walk], ['plant/line-3/press-3'])
  assert.equal(walk.visits, 4)
})

test('values come as they are asked for: the first of 10,000 costs a few visits', () => {
  const tree = treeOf(Array.from({ length: 10_000 }, (_, i) => `plant/line-${i % 10}/press-${i}`))
  const walk = new FilterWalk(tree.rootOf('#'), '#')
  assert.equal(walk.next().value, 'plant/line-0/press-0')
  assert.ok(walk.visits <= 4)
})

test('siblings come in the order in which they were set first', () => {
  const tree = treeOf(['b', 'c', 'a'])
  tree.set('b', 'b')
  assert.deepEqual([...tree.match('#')], ['b', 'c', 'a'])
})

test('a walk that may visit only so many nodes says that it did not see everything', () => {
  const tree = treeOf(['a', 'b', 'c', 'd'])
  const short = new FilterWalk(tree.rootOf('#'), '#', 3)
  assert.ok([...short].length < 4)
  assert.equal(short.isExhausted, true)
  const enough = new FilterWalk(tree.rootOf('#'), '#', 5)
  assert.equal([...enough].length, 4)
  assert.equal(enough.isExhausted, false)
})

test('topics and filters of 65,535 bytes that are all slashes are no problem', () => {
  const deep = '/'.repeat(65_535)
  const tree = treeOf([deep])
  for (const filter of [deep, '#', `${deep.slice(1)}#`, `+${'/+'.repeat(32_767)}/#`]) {
    assert.deepEqual([...tree.match(filter)], [deep])
  }
  assert.deepEqual([...tree.match(`+${'/+'.repeat(32_767)}`)], [])
})
