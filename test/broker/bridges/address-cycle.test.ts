import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressCycle } from '../../../broker/bridges/address-cycle.ts'

test('addresses that cannot be reached are tried in turn, whatever round_robin says', () => {
  for (const isRoundRobin of [false, true]) {
    const cycle = new AddressCycle(['a', 'b', 'c'], isRoundRobin)
    const seen = [cycle.current]
    for (let i = 0; i < 3; i++) {
      cycle.fail(false)
      seen.push(cycle.current)
    }
    assert.deepEqual(seen, ['a', 'b', 'c', 'a'])
  }
})

test('after a stand-in was lost the first address comes next, with round_robin the one after it', () => {
  for (const isRoundRobin of [false, true]) {
    const cycle = new AddressCycle(['a', 'b', 'c'], isRoundRobin)
    cycle.fail(false)
    assert.equal(cycle.isStandIn, !isRoundRobin)
    cycle.fail(true)
    assert.equal(cycle.current, isRoundRobin ? 'c' : 'a')
  }
})

test('it returns to the first address when told that it is there again', () => {
  const cycle = new AddressCycle(['a', 'b'], false)
  cycle.fail(true)
  assert.equal(cycle.current, 'b')
  cycle.returnToFirst()
  assert.equal(cycle.current, 'a')
  assert.equal(cycle.isStandIn, false)
})
