import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('../docs/how-it-is-secured.md', import.meta.url))
const document = readFileSync(file, 'utf8')
/** Links, with the titles that they may have: part of the name of a test. */
const links = [...document.matchAll(/\]\(([^)\s"]+)(?:\s+"([^"]+)")?\)/g)].map(([, path = '', title]) => ({
  path,
  title,
}))
const toTests = links.filter(({ path }) => path.startsWith('../test/'))

test('every test that docs/how-it-is-secured.md names is there, by its file and by its name', () => {
  assert.ok(toTests.length > 40, `${toTests.length} links to tests`)
  for (const { path, title } of toTests) {
    const target = join(dirname(file), path)
    assert.ok(existsSync(target), path)
    const source = readFileSync(target, 'utf8')
    assert.match(source, /\btest\(/, path)
    if (title !== undefined) assert.ok(source.includes(title), `${path} has no test "${title}"`)
  }
})

test('every other document that it names is there', () => {
  for (const { path } of links.filter(({ path }) => !/^(?:https?:|#)/.test(path))) {
    assert.ok(existsSync(join(dirname(file), path.split('#', 1)[0] as string)), path)
  }
})

test('every spot of an attacker says what can be done and what cannot, and shows it', () => {
  const [, spots = ''] = document.split('## What an attacker can do, spot by spot\n')
  const [inside = ''] = spots.split(/^## /m)
  const sections = inside.split(/^### /m).slice(1)
  assert.deepEqual(
    sections.map((section) => section.split('\n', 1)[0]),
    [
      'On the network, port 1883 (no TLS)',
      'On the network, port 8883 (TLS)',
      'As a subscriber',
      'As a publisher with a key',
      "As the broker's operator",
      'As a thief of the disk',
    ],
  )
  for (const section of sections) {
    assert.match(section, /\*\*can\*\*/, section)
    assert.match(section, /cannot/, section)
    assert.match(section, /\]\(\.\.\/test\//, section)
  }
})
