import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTimeText } from '../../../protocol/index.ts'

test('a time of RFC 3339 is read to the millisecond, with any offset and in small letters', () => {
  const timeMs = Date.UTC(2026, 1, 28, 8, 30, 15)
  const cases = [
    ['2026-02-28T08:30:15Z', 0],
    ['2026-02-28T09:30:15+01:00', 0],
    ['2026-02-28T00:30:15-08:00', 0],
    ['2026-02-28t08:30:15.25z', 250],
    ['2026-02-28T08:30:15.007Z', 7],
  ] as const
  for (const [text, more] of cases) assert.equal(parseTimeText(text), timeMs + more, text)
  assert.equal(parseTimeText('2024-02-29T00:00:00Z'), Date.UTC(2024, 1, 29))
})

test('what is no such time is refused: other forms, days that there are not, leap seconds, more than milliseconds', () => {
  const wrong = [
    '',
    'now',
    '2026-02-28',
    '2026-02-28T08:30Z',
    '2026-02-28 08:30:15Z',
    '2026-02-28T08:30:15',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-02-28T24:00:00Z',
    '2026-02-28T08:60:00Z',
    '2026-12-31T23:59:60Z',
    '2026-02-28T08:30:15.0001Z',
    '2026-02-28T08:30:15+24:00',
    '+002026-02-28T08:30:15Z',
  ]
  for (const text of wrong) assert.equal(parseTimeText(text), undefined, text)
})
