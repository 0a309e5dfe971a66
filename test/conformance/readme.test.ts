import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { citationsBelow } from '../../scripts/conformance-citations.ts'
import { conformanceDocument, gapsOf, statementsOf, unknownCitations } from '../../scripts/conformance-document.ts'
import { reasonsForGaps } from './statements/gaps.ts'
import { standards } from './statements/statement.ts'

const citations = citationsBelow(fileURLToPath(new URL('../..', import.meta.url)))

test('README.md says what `npm run docs:conformance` makes of the tests', () => {
  assert.equal(readFileSync(new URL('README.md', import.meta.url), 'utf8'), conformanceDocument(citations))
})

test('every statement that a test cites exists', () => {
  const unknown = unknownCitations(citations).map(({ file, standard, id }) => `${file}: [MQTT-${standard} ${id}]`)
  assert.deepEqual(unknown, [])
})

for (const standard of standards) {
  test(`the statements of ${standard} have different ids and a summary each`, () => {
    const statements = statementsOf[standard]
    assert.equal(new Set(statements.map(({ id }) => id)).size, statements.length)
    for (const { id, summary } of statements) {
      assert.match(id, /^\d+\.\d+\.\d+-\d+$/)
      assert.ok(summary.length > 0)
    }
  })

  test(`every gap of ${standard} has its reason, and nothing else has one`, () => {
    const gaps = gapsOf(standard, citations).map(({ id }) => id)
    assert.deepEqual(gaps.toSorted(), Object.keys(reasonsForGaps[standard]).toSorted())
  })
}
