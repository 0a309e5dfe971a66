import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { linePrefix } from '../../broker/log/line-prefix.ts'
import { formatTime } from '../../protocol/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { hasTool } from '../helpers/tools.ts'

/** All but %Z, for which this runtime knows other abbreviations outside of UTC and America. */
const letters = 'a A b B c C d D e F g G h H I j k l m M n p P r R s S t T u U V w W x X y Y z %'.split(' ')
const separator = '|'
const format = letters.map((letter) => `%${letter}`).join(separator)

for (const zone of ['UTC', 'America/St_Johns', 'Asia/Kolkata']) {
  test(`every conversion gives what date(1) gives, in ${zone}`, (t) => {
    if (!hasTool(t, 'date', ['--version'], 'GNU date')) return
    const before = process.env.TZ
    atEnd(t, () => {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    })
    process.env.TZ = zone
    // Turns of years and of summer time, and whatever else comes.
    const seconds = [0, 951_782_400, 1_104_537_599, 1_230_768_000, 1_735_603_200, 1_743_296_400, 1_761_440_400]
    seconds.push(...fc.sample(fc.integer({ min: 0, max: 4_102_444_800 }), { seed: 4, numRuns: 300 }))
    const input = seconds.map((second) => `@${second}`).join('\n')
    // NUL keeps %n apart from the end of a line.
    const env = { ...process.env, LC_ALL: 'C', TZ: zone }
    const expected = execFileSync('date', ['-f', '-', `+${format}\u0001`], { input, encoding: 'utf8', env })
    const lines = expected.split('\u0001\n').slice(0, -1)
    assert.equal(lines.length, seconds.length)
    for (const [index, second] of seconds.entries()) {
      const actual = formatTime(format, new Date(second * 1000))
      // %c of GNU date in the C locale is what C says; compared with the rest.
      assert.equal(actual, lines[index], `at ${second}`)
    }
  })
}

test('a conversion that C does not have stays as it is written', () => {
  assert.equal(formatTime('%q %', new Date(0)), '%q %')
})

test('the prefix is the epoch second, the format of the site, or nothing', (t) => {
  const before = process.env.TZ
  atEnd(t, () => {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  })
  process.env.TZ = 'UTC'
  let nowMs = 1_795_245_371_999
  const now = () => nowMs
  assert.equal(linePrefix(true, undefined, now)(), '1795245371: ')
  const formatted = linePrefix(true, '%Y-%m-%dT%H:%M:%S%z', now)
  // As Mosquitto 2.0.11 printed it.
  assert.equal(formatted(), '2026-11-21T07:16:11+0000: ')
  nowMs += 1
  assert.equal(formatted(), '2026-11-21T07:16:12+0000: ')
  assert.equal(linePrefix(false, '%Y', now)(), '')
})
