import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfigFile, readConfigFile } from '../broker/config/index.ts'
import { temporaryDirectory } from './helpers/temporary.ts'
import { differenceRows } from './interop/transcript/differences-table.ts'

const file = fileURLToPath(new URL('../docs/migrating-from-mosquitto.md', import.meta.url))
const document = readFileSync(file, 'utf8')

/** The configurations of the document, by name. */
function blocks(kind: 'example' | 'refused'): ReadonlyMap<string, string> {
  const found = document.matchAll(new RegExp(`<!-- ${kind}: (\\S+) -->\\n\`\`\`conf\\n(.*?\\n)\`\`\``, 'gs'))
  return new Map([...found].map(([, name = '', text = '']) => [name, text]))
}

test('every configuration of the document but the refused one is honoured, line by line', (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(join(directory, 'conf.d'))
  const examples = blocks('example')
  assert.deepEqual([...examples.keys()], ['debian', 'passwords', 'tls', 'bridge', 'docker', 'home-assistant', 'move'])
  for (const [name, text] of examples) {
    const path = join(directory, `${name}.conf`)
    // The directory that Debian includes is there on Debian only.
    writeFileSync(path, text.replace('/etc/mosquitto/conf.d', join(directory, 'conf.d')))
    const { mistakes, ignored, lines } = readConfigFile(path)
    assert.deepEqual([name, mistakes, ignored.size], [name, [], 0])
    assert.equal(lines.length, text.split('\n').filter((line) => line !== '').length, name)
    assert.doesNotThrow(() => loadConfigFile(path, undefined), name)
  }
})

test("of Home Assistant's configuration the lines of its plugin are refused, and no others", (t) => {
  const path = join(temporaryDirectory(t), 'home-assistant.conf')
  writeFileSync(path, blocks('refused').get('home-assistant') ?? '')
  const { mistakes, lines } = readConfigFile(path)
  const refused = mistakes.map(({ line }) => lines.find(({ lineNumber }) => lineNumber === line)?.name)
  assert.deepEqual(refused, ['auth_plugin', 'auth_opt_backends', 'auth_opt_http_host'])
})

test('the document lists the differences that the transcripts show, and no others', () => {
  const table = document.split('| step | why |\n| --- | --- |\n')[1]?.split('\n\n')[0]
  assert.deepEqual(table?.split('\n'), differenceRows())
})

test('the files that the document names are there', () => {
  const links = [...document.matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)].map(([, link = '']) => join(dirname(file), link))
  const named = [...document.matchAll(/\b((?:scripts|test)\/[\w./-]*\w)/g)].map(([, path = '']) =>
    join(dirname(file), '..', path),
  )
  assert.ok(links.length > 1 && named.length > 2)
  for (const path of [...links, ...named]) assert.ok(existsSync(path), path)
})
