import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { startBroker } from '../../helpers/broker.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { runIn } from '../../helpers/packed.ts'

const root = join(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs', 'sdk.md'), 'utf8')

/** Names in the first column of the table under a heading. */
function tableOf(heading: string): string[] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? assert.fail(heading)
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''))
}

/** Names of the members of an interface, as its source has them. */
function membersOf(file: string, name: string): string[] {
  const source = readFileSync(join(root, 'clients/sdk', file), 'utf8')
  const body = source.split(`export interface ${name} {\n`)[1]?.split('\n}')[0] ?? assert.fail(name)
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, member]) => member ?? '')
}

test('docs/sdk.md has the options and events that the types have', () => {
  assert.deepEqual(tableOf('Options of `connectAsync`').sort(), membersOf('options.ts', 'NotaryOptions').sort())
  assert.deepEqual(tableOf('Events').sort(), membersOf('events.ts', 'NotaryClientEvents').sort())
})

test('the first example of docs/sdk.md prints what the page says', async (t) => {
  const { port } = await startBroker(t)
  const code = page.split('<!-- example: first -->\n```js\n')[1]?.split('\n```')[0] ?? assert.fail('no example')
  const workspace = join(root, 'test', `.sdk-example-${process.pid}`)
  mkdirSync(workspace)
  atEnd(t, () => rmSync(workspace, { recursive: true, force: true }))
  const file = join(workspace, 'first.mjs')
  // The package's own name stands for the sources under test.
  const source = pathToFileURL(join(root, 'clients/sdk/index.ts')).href
  const url = `mqtt://127.0.0.1:${port}`
  writeFileSync(file, code.replace('notarymq/client', source).replace('mqtt://127.0.0.1:1883', url))
  const output = await runIn(root, process.execPath, ['--import', 'tsx', file])
  assert.equal(output, 'plant/temperature 21.5 sensor-1\n')
})
