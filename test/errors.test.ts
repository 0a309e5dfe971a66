import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bridgeErrors } from '../broker/bridges/errors.ts'
import { certificateErrors } from '../broker/certificates/errors.ts'
import { mqttErrors } from '../broker/edge/errors.ts'
import { brokerErrors } from '../broker/errors.ts'
import { logErrors } from '../broker/log/errors.ts'
import { clientErrors } from '../clients/errors.ts'
import { accessControlErrors, authenticationErrors, pluginErrors } from '../plugins/index.ts'
import { adminErrors, noteErrors, protocolErrors, refusalCauses } from '../protocol/index.ts'
import { errorsDocument } from '../scripts/errors-document.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

function texts(directory: string): string {
  return readdirSync(join(root, directory), { withFileTypes: true })
    .map((entry) => {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return entry.name === 'vectors' ? '' : texts(path)
      return /\.ts$/.test(entry.name) && path !== join('test', 'errors.test.ts')
        ? readFileSync(join(root, path), 'utf8')
        : ''
    })
    .join('\n')
}

test('docs/errors.md says what the sources say', () => {
  assert.equal(readFileSync(join(root, 'docs', 'errors.md'), 'utf8'), errorsDocument())
})

for (const [area, codes] of Object.entries({
  noteErrors,
  protocolErrors,
  pluginErrors,
  accessControlErrors,
  authenticationErrors,
  brokerErrors,
  bridgeErrors,
  logErrors,
  certificateErrors,
  mqttErrors,
  clientErrors,
  adminErrors,
  refusalCauses,
})) {
  test(`every code of ${area} is used in the sources, and a test asserts it`, () => {
    const tests = texts('test')
    const sources = ['broker', 'clients', 'plugins', 'protocol'].map(texts).join('\n')
    for (const code of Object.keys(codes)) {
      // Beyond its table; a code that nothing throws is a promise that nobody keeps.
      assert.match(sources, new RegExp(`'${code}'(?!:)`), `${code} is used somewhere`)
      assert.ok(tests.includes(code), `${code} is asserted by a test`)
    }
  })
}
