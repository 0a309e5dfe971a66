import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { honouredDirectives } from '../../../broker/config/directives.ts'

/** Names that the tests of this directory say they cover. */
function coveredNames(): ReadonlySet<string> {
  const names = new Set<string>()
  for (const file of readdirSync(new URL('.', import.meta.url))) {
    if (!file.endsWith('.test.ts')) continue
    const source = readFileSync(new URL(file, import.meta.url), 'utf8')
    for (const [, list = ''] of source.matchAll(/\bcovers\(([^)]*)\)/g)) {
      for (const [, name = ''] of list.matchAll(/'([^']+)'/g)) names.add(name)
    }
  }
  return names
}

test('every directive that is honoured has a test that sees its effect from outside', () => {
  const covered = coveredNames()
  const missing = Object.keys(honouredDirectives).filter((name) => !covered.has(name))
  assert.deepEqual(missing, [])
})
