import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CodedError, chainFaults, ProtocolError, protocolErrors, refusalCauses } from '../../protocol/index.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Text of every file below `test/protocol/` but this one. */
function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return testFiles(path)
    return entry.name.endsWith('.ts') && entry.name !== 'errors.test.ts' ? [readFileSync(path, 'utf8')] : []
  })
}

test('every code of protocolErrors is provoked by a test', () => {
  const tests = testFiles(here).join('\n')
  const never = Object.keys(protocolErrors).filter((code) => !tests.includes(`'${code}'`))
  assert.deepEqual(never, [])
})

test('no test expects a code that there is not', () => {
  const tests = testFiles(here).join('\n')
  const expected = new Set(
    tests.match(/\bERR_(?:CBOR|COSE|MAC|KEY|LINK|IDENTITY|RECORD|BLOCK|PROOF|LOG_FILE)_[A-Z0-9_]+\b/g),
  )
  assert.deepEqual([...expected].sort(), Object.keys(protocolErrors).sort())
})

test('every code, fault and refusal says what it means', () => {
  for (const { cause, remedy } of Object.values(protocolErrors)) assert.ok(cause.length > 10 && remedy.length > 5)
  for (const text of [...Object.values(chainFaults), ...Object.values(refusalCauses)]) assert.ok(text.length > 10)
})

test('an error of the protocol carries its code, its details and what it came from', () => {
  const from = new Error('inner')
  const error = new ProtocolError('ERR_CBOR_TRUNCATED', 'item ends early', { index: 7 }, from)
  assert.ok(error instanceof CodedError && error instanceof Error)
  assert.equal(error.name, 'ProtocolError')
  assert.equal(error.code, 'ERR_CBOR_TRUNCATED')
  assert.deepEqual(error.details, { index: 7 })
  assert.equal(error.cause, from)
  assert.equal('cause' in new ProtocolError('ERR_CBOR_TRUNCATED', 'x'), false)
})
