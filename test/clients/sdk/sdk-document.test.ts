import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { parseAttachedEnvelope, toHex } from '../../../protocol/index.ts'
import { startBroker } from '../../helpers/broker.ts'
import { ChromiumSite, hasChromium } from '../../helpers/chromium.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { TestClient } from '../../helpers/mqtt-clients.ts'
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

/** The code below a mark in the page. */
function exampleOf(name: string, language: string): string {
  const after = page.split(`<!-- example: ${name} -->\n\`\`\`${language}\n`)[1]
  return after?.split('\n```')[0] ?? assert.fail(`no example ${name}`)
}

for (const [name, printed] of [
  ['first', 'plant/temperature 21.5 sensor-1\n'],
  ['encryption', 'plant/recipe 2 parts of sand plant true\n'],
] as const) {
  test(`the example "${name}" of docs/sdk.md prints what the page says`, async (t) => {
    assert.ok(page.includes(`It prints \`${printed.trim()}\``))
    const { port } = await startBroker(t)
    const workspace = join(root, 'test', `.sdk-example-${name}-${process.pid}`)
    mkdirSync(workspace)
    atEnd(t, () => rmSync(workspace, { recursive: true, force: true }))
    const file = join(workspace, 'example.mjs')
    // The package's own name stands for the sources under test.
    const source = pathToFileURL(join(root, 'clients/sdk/index.ts')).href
    const url = `mqtt://127.0.0.1:${port}`
    const code = exampleOf(name, 'js').replace('notarymq/client', source).replace('mqtt://127.0.0.1:1883', url)
    writeFileSync(file, code)
    assert.equal(await runIn(root, process.execPath, ['--import', 'tsx', file]), printed)
  })
}

test('the page in docs/sdk.md signs with a key of its browser, which it has again when it is loaded again', async (t) => {
  if (!hasChromium(t)) return
  const { port, webSocketPort } = await startBroker(t)
  const observer = await TestClient.connect(t, port)
  await observer.subscribe('plant/#')
  const html = exampleOf('page', 'html').replace('localhost:9001', `localhost:${webSocketPort}`)
  const site = await ChromiumSite.open(t, { 'notarymq.js': 'clients/sdk/index.ts' }, html)
  const errors: string[] = []
  const browserPage = await site.page(errors)
  const line = browserPage.getByText('plant/temperature 21.5 this browser')
  await line.waitFor()
  await browserPage.reload()
  await line.waitFor()
  assert.deepEqual(errors, [])
  const envelopes = (await observer.waitFor(2)).map(({ payload }) => parseAttachedEnvelope(payload))
  const [first, second] = envelopes.map((envelope) => envelope ?? assert.fail('not signed'))
  assert.ok(first && second)
  assert.equal(toHex(second.kid), toHex(first.kid))
  assert.ok(second.seq > first.seq)
})
