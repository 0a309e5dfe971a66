import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BridgeTopic } from '../../../broker/bridges/bridge-options.ts'
import { BridgeError } from '../../../broker/bridges/index.ts'
import { mapTopics } from '../../../broker/bridges/topic-map.ts'
import { topicLine } from './bridge-fixture.ts'

const line = (
  filter: string,
  direction: BridgeTopic['direction'],
  localPrefix: string,
  remotePrefix: string,
): BridgeTopic => ({ ...topicLine(filter, direction, 1), localPrefix, remotePrefix })

test('an out line takes the local prefix off and puts the remote one on, an in line the other way round', () => {
  const maps = mapTopics('b', [line('t/#', 'out', 'l/', 'r/'), line('c/+', 'in', 'l/', 'r/')])
  assert.deepEqual(maps.out.filters, [{ filter: 'l/t/#', qos: 1 }])
  assert.deepEqual(maps.in.filters, [{ filter: 'r/c/+', qos: 1 }])
  assert.equal(maps.out.map('l/t/1'), 'r/t/1')
  assert.equal(maps.out.map('r/t/1'), undefined)
  assert.equal(maps.in.map('r/c/1'), 'l/c/1')
  assert.equal(maps.in.map('r/c/1/2'), undefined)
})

test('an empty filter stands for the prefixes: one topic here is one topic there', () => {
  const maps = mapTopics('b', [line('', 'both', 'a', 'b')])
  assert.equal(maps.out.map('a'), 'b')
  assert.equal(maps.in.map('b'), 'a')
  assert.equal(maps.out.map('a/x'), undefined)
})

test('of several lines with a topic the first counts, and a filter that is there twice has the higher QoS', () => {
  const maps = mapTopics('b', [
    { ...line('t', 'out', 'l/', '1/'), qos: 0 },
    { ...line('t', 'out', 'l/', '2/'), qos: 2 },
  ])
  assert.equal(maps.out.map('l/t'), '1/t')
  assert.deepEqual(maps.out.filters, [{ filter: 'l/t', qos: 2 }])
})

test('the origin of a message that came in is its topic at the remote broker, which its publisher signed', () => {
  const maps = mapTopics('b', [line('c/#', 'in', 'l/', 'r/'), line('o', 'out', '', '')])
  assert.equal(maps.origin.map('l/c/1'), 'r/c/1')
  assert.equal(maps.origin.map('o'), undefined)
})

test('what an out line may have left subscribed there is unsubscribed, but not what an in line wants', () => {
  const maps = mapTopics('b', [line('a', 'out', '', 'r/'), line('b', 'out', '', ''), line('b', 'in', '', '')])
  assert.deepEqual(maps.leftovers, ['r/a'])
})

test('a topic that would be none on the other side does not go there', () => {
  const deep = Array.from({ length: 200 }, () => 'x').join('/')
  const maps = mapTopics('b', [line('#', 'both', '', 'r/')])
  assert.equal(maps.out.map(deep), undefined)
  assert.equal(maps.out.map('y'.repeat(65_534)), undefined)
  assert.equal(maps.out.map('y'.repeat(65_533)), `r/${'y'.repeat(65_533)}`)
  assert.equal(mapTopics('b', [line('#', 'in', '', 'r/')]).in.map('r/'), undefined)
  assert.equal(mapTopics('b', [line('+/#', 'in', '', 'r/')]).in.map('r/$notary/admin/request'), undefined)
})

test('a line that makes no topic filter, has a wildcard in a prefix or reaches below $notary is refused', () => {
  const bad = [
    line('', 'both', '', 'x'),
    line('a/#/b', 'out', '', ''),
    line('a', 'out', '+/', ''),
    line('#', 'out', '$notary/', ''),
  ]
  for (const topic of bad) {
    assert.throws(
      () => mapTopics('b', [topic]),
      (error) => error instanceof BridgeError && error.code === 'ERR_BRIDGE_OPTIONS_INVALID',
    )
  }
})
