import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketIdMemory } from '../../../broker/bridges/relay-memory.ts'

test('packet ids are taken back once each while the receiving session is older than the sending one', () => {
  const memory = new PacketIdMemory()
  memory.connected(true, true)
  assert.equal(memory.mustTakeBack(1), false)
  memory.connected(false, true)
  assert.deepEqual([memory.mustTakeBack(1), memory.mustTakeBack(1), memory.mustTakeBack(2)], [true, false, true])
  // Also on later connections, when both sessions are resumed.
  memory.connected(true, true)
  assert.deepEqual([memory.mustTakeBack(2), memory.mustTakeBack(3)], [false, true])
  // It began anew: it knows no ids.
  memory.connected(true, false)
  assert.equal(memory.mustTakeBack(4), false)
})
