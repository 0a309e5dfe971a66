import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOfReturnCode } from '../../../broker/connection/connack.ts'
import { toReturnCode } from '../../../broker/edge/index.ts'

test('every return code that refuses has the Reason Code that is told as this return code', () => {
  for (const code of [1, 2, 3, 4, 5]) assert.equal(toReturnCode(reasonOfReturnCode(code)), code)
})

test('the codes are those of the standard, and what nobody knows is "not authorized"', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 255].map(reasonOfReturnCode), [0x84, 0x85, 0x88, 0x86, 0x87, 0x87, 0x87])
})
