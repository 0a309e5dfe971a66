import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { directives } from '../../../broker/config/directives.ts'
import { configurationDocument } from '../../../scripts/configuration-document.ts'

const written = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')

test('docs/configuration.md says what the table of directives says', () => {
  assert.equal(written, configurationDocument())
})

test('docs/configuration.md names every directive in exactly one row', () => {
  for (const name of Object.keys(directives)) {
    assert.equal(written.split(`\n| \`${name}\` |`).length, 2, name)
  }
})
