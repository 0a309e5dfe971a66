import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TopicNode } from '../../../broker/router/topic-node.ts'
import { TopicTree } from '../../../broker/router/topic-tree.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { topicFilter, topicName } from './topics.ts'

/** The paths of all nodes that exist, whether they have a value or not. */
function nodePaths(tree: TopicTree<number>): string[] {
  const paths: string[] = []
  const visit = (node: TopicNode<number>, prefix: string): void => {
    const children = node.children()
    for (let next = children.next(); !next.done; next = children.next()) {
      paths.push(prefix + next.value.level)
      visit(next.value, `${prefix + next.value.level}/`)
    }
  }
  visit(tree.rootOf('$'), '')
  visit(tree.rootOf('a'), '')
  return paths.sort()
}

/** Every path and what it lies below. */
function prefixes(paths: Iterable<string>): string[] {
  const found = new Set<string>()
  for (const path of paths) {
    const levels = path.split('/')
    for (let length = 1; length <= levels.length; length++) found.add(levels.slice(0, length).join('/'))
  }
  return [...found].sort()
}

const change = fc.record({ path: fc.oneof(topicName, topicFilter), value: fc.option(fc.nat(), { nil: undefined }) })

test('answers as a Map would, and has exactly the nodes its paths need, after any changes', () => {
  const property = fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
    const tree = new TopicTree<number>()
    const model = new Map<string, number>()
    for (const { path, value } of changes) {
      const previous = model.get(path)
      if (value === undefined) {
        assert.equal(tree.delete(path), previous)
        model.delete(path)
      } else {
        assert.equal(tree.set(path, value), previous)
        model.set(path, value)
      }
      assert.equal(tree.size, model.size)
      assert.deepEqual(nodePaths(tree), prefixes(model.keys()))
    }
    for (const { path } of changes) assert.equal(tree.get(path), model.get(path))
    for (const path of model.keys()) tree.delete(path)
    assert.deepEqual(nodePaths(tree), [])
  })
  fc.assert(property, { seed: fcSeed, numRuns: 500 })
})

test('a path below or above one that has a value has none itself', () => {
  const tree = new TopicTree<number>()
  tree.set('a/b/c', 1)
  for (const path of ['a', 'a/b', 'a/b/', 'a/b/c/d', 'a/b/c/', '/a/b/c', '$/a/b/c']) {
    assert.equal(tree.get(path), undefined)
    assert.equal(tree.delete(path), undefined)
  }
  assert.equal(tree.get('a/b/c'), 1)
})

test('paths with as many levels as 65,535 bytes can hold are set, found and deleted', () => {
  const tree = new TopicTree<number>()
  const deep = '/'.repeat(65_535)
  tree.set(deep, 1)
  tree.set(deep.slice(1), 2)
  assert.equal(tree.get(deep), 1)
  assert.equal(tree.delete(deep), 1)
  assert.equal(tree.get(deep.slice(1)), 2)
  assert.equal(tree.delete(deep.slice(1)), 2)
  assert.equal(tree.rootOf(deep).childCount, 0)
})

test('nothing stays of 100,000 paths that came and went, one of them at a time', () => {
  const tree = new TopicTree<number>()
  tree.set('d/stays', 1)
  for (let i = 0; i < 100_000; i++) {
    tree.set(`d/${i}/state/${i}`, i)
    assert.equal(tree.delete(`d/${i}/state/${i}`), i)
  }
  assert.deepEqual(nodePaths(tree), ['d', 'd/stays'])
})
