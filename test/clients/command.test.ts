import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from '../../clients/cli/command.ts'
import { ClientError } from '../../clients/errors.ts'

const options = {
  port: { type: 'string', short: 'p' },
  json: { type: 'boolean' },
  verbose: { type: 'boolean', short: 'v' },
} as const
const kid = `-${'xSGw7zA_YC9'.padEnd(42, 'A')}`

test('a kid that begins with a dash is a word, whole or its beginning, in its place among the others', () => {
  for (const given of [kid, kid.slice(0, 12), `-${kid.slice(1, 42)}-`, `--${kid.slice(2)}`]) {
    const { values, positionals } = parseArguments([given, 'new.pem', '-p', '1884', '--json'], options, true)
    assert.deepEqual([values.port, values.json, positionals], ['1884', true, [given, 'new.pem']])
    assert.deepEqual(parseArguments(['old', '--json', '--', given], options, true).positionals, ['old', given])
  }
})

test('what is no kid stays an option, and one that is not known is refused', () => {
  assert.equal(parseArguments(['-p1884'], options, true).values.port, '1884')
  assert.equal(parseArguments(['--port', '-5'], options, true).values.port, '-5')
  const isUsageError = (error: unknown) => error instanceof ClientError && error.code === 'ERR_USAGE'
  for (const given of ['-x', '--jsonn', '--not-an-option', '-xSGw7zA']) {
    assert.throws(() => parseArguments([given], options, true), isUsageError, given)
  }
  assert.throws(() => parseArguments([kid], options), isUsageError)
})
