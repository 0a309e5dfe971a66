import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { watchAlarms } from '../../../clients/watch/watch-alarm.ts'
import { exportFaults } from '../../../plugins/index.ts'

test('docs/export.md explains every fault of an export and every alarm of a watcher as the sources do', () => {
  const document = readFileSync(new URL('../../../docs/export.md', import.meta.url), 'utf8')
  for (const [name, meaning] of Object.entries({ ...exportFaults, ...watchAlarms })) {
    assert.ok(document.includes(`| \`${name}\` | ${meaning}`), name)
  }
})
