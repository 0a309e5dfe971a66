import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ThrottledNotice } from '../../../broker/listeners/throttled-notice.ts'

test('says one line per interval, and in the next one how many were left out', () => {
  let nowMs = 0
  const lines: string[] = []
  const notice = new ThrottledNotice(
    (line) => lines.push(line),
    1000,
    () => nowMs,
  )
  for (const name of ['a', 'b', 'c']) notice.say(name)
  assert.deepEqual(lines, ['a'])
  nowMs = 1000
  notice.say('d')
  nowMs = 2000
  notice.say('e')
  assert.deepEqual(lines.slice(1), ['d (and 2 more since the last such line)', 'e'])
})
