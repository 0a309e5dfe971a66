import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { connectAsync, ErrorWithReasonCode, type MqttClient } from 'mqtt'
import { honouredDirectives } from '../broker/config/directives.ts'
import { lexConfig, resolveConfig } from '../broker/config/index.ts'
import { generateIdentity } from '../clients/identity/index.ts'
import { LevelAuditStore, openStoreDatabase, verifyStore } from '../plugins/index.ts'
import { freePort, startBroker } from './helpers/broker.ts'
import { runHere } from './helpers/cli.ts'
import { TestProcess } from './helpers/processes.ts'
import { temporaryDirectory } from './helpers/temporary.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

function example(name: string, language: string): string {
  const block = readme.split(`<!-- example: ${name} -->\n\`\`\`${language}\n`)[1]?.split('\n```')[0]
  assert.ok(block, `the README has an example named ${name}`)
  return block
}

async function connectWhenUp(port: number): Promise<MqttClient> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await connectAsync(
        `mqtt://127.0.0.1:${port}`,
        { protocolVersion: 5, clientId: 'reader', reconnectPeriod: 0 },
        false,
      )
    } catch (error) {
      if (attempt === 100) throw error
      await sleep(100)
    }
  }
}

test('the plugin example of the README, in a plain Aedes broker, records an open topic and refuses an unsigned publish', async (t) => {
  const code = example('plugins', 'js')
  assert.ok(code.split('\n').length <= 15, 'the example has at most 15 lines')
  const directory = temporaryDirectory(t)
  const port = await freePort()
  // Inside the project, so that its imports resolve; the package's own name stands for the sources under test.
  const workspace = join(root, 'test', `.example-${process.pid}`)
  mkdirSync(workspace)
  t.after(() => rmSync(workspace, { recursive: true, force: true }))
  const file = join(workspace, 'example.mjs')
  const adapted = code
    .replace('notarymq/plugins', pathToFileURL(join(root, 'plugins', 'index.ts')).href)
    .replace('./notary-data', directory)
    .replace('1883', String(port))
  writeFileSync(file, adapted)
  const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })

  const client = await connectWhenUp(port)
  await client.publishAsync('lobby/door', 'open', { qos: 1 })
  await assert.rejects(client.publishAsync('plant/temperature', '21.5', { qos: 1 }), (error) => {
    return error instanceof ErrorWithReasonCode && error.code === 0x87
  })
  await client.endAsync()
  child.kill('SIGKILL')
  await once(child, 'exit')

  assert.match(output, /refused plant\/temperature from reader: not-signed/)
  const database = await openStoreDatabase(directory, false)
  t.after(() => database.close())
  assert.deepEqual(await verifyStore({ store: new LevelAuditStore(database) }), {
    ok: true,
    checked: 2,
    signatures: 0,
    erased: { bodies: 0, records: 0 },
  })
})

test('the example for application developers signs, verifies what comes and proves its record', async (t) => {
  const directory = temporaryDirectory(t)
  const { port } = await startBroker(t)
  const key = join(directory, 'press-7.pem')
  generateIdentity(key)
  assert.equal((await runHere('enroll', key, '--name', 'press-7', '-p', `${port}`)).code, 0)
  const workspace = join(root, 'test', `.example-sdk-${process.pid}`)
  mkdirSync(workspace)
  t.after(() => rmSync(workspace, { recursive: true, force: true }))
  const file = join(workspace, 'first.mjs')
  const sdk = pathToFileURL(join(root, 'clients', 'sdk', 'index.ts')).href
  writeFileSync(file, example('sdk', 'js').replace('notarymq/client', sdk).replace('1883', String(port)))
  const ended = await new TestProcess(t, process.execPath, ['--import', import.meta.resolve('tsx'), file], {
    cwd: directory,
    env: { HOME: directory },
  }).ended
  assert.deepEqual([ended.code, ended.stderr], [0, ''])
  assert.match(
    ended.stdout,
    /^plant\/press-7\/temperature 21\.5 press-7\nrecord \d+ of notarymq\/[0-9a-f]{16}, proved\n$/,
  )
})

test('the configuration of the README is one that this version honours, line by line', () => {
  const options = resolveConfig(lexConfig(`${example('configuration', 'conf')}\n`, 'README.md'))
  assert.deepEqual(
    options.listeners?.map(({ protocol, port, host }) => [protocol, port, host]),
    [
      ['mqtt', 1883, undefined],
      ['mqtt', 18830, '127.0.0.1'],
      ['websockets', 9001, undefined],
    ],
  )
  assert.deepEqual(options.protect, [
    { filter: 'plant/#', signed: true },
    { filter: 'plant/+/cmd/#', freshSeconds: 30, keys: ['operator-*'] },
  ])
  assert.deepEqual(options.keyRules, [{ name: 'press-7', restrictions: { topics: ['plant/press-7/#'] } }])
  assert.deepEqual(options.unwrap, ['plant/#'])
  assert.equal(options.anonymousAdmin, true)
})

test('the TLS configuration of the README is one that this version honours, line by line', () => {
  const options = resolveConfig(lexConfig(`${example('tls', 'conf')}\n`, 'README.md'))
  assert.deepEqual(
    options.listeners?.map(({ protocol, port, tls }) => [protocol, port, tls?.requireCertificate === true]),
    [
      ['mqtt', 8883, true],
      ['websockets', 9883, false],
    ],
  )
})

test('the README names the directives that are honoured, and no other', () => {
  const text = /These directives are honoured:(.*?)\nEvery other one/s.exec(readme)?.[1] ?? ''
  const named = [...text.matchAll(/`([a-z_0-9.]+)[^`]*`/g)].map((match) => match[1])
  assert.deepEqual(named.toSorted(), Object.keys(honouredDirectives).toSorted())
})

test('every file that the README links to is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => match[1] as string)
  assert.ok(links.length > 5)
  for (const link of links) assert.doesNotThrow(() => readOrList(join(root, link)), `${link} exists`)
})

test('every npm script that the README names is in package.json', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  for (const [, name] of readme.matchAll(/npm run ([a-z:-]+)/g)) assert.ok(name !== undefined && name in scripts, name)
})

test('every dependency has a reason in the README', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >
  const section = readme.slice(readme.indexOf('### Dependencies'))
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+(-[a-z0-9.-]+)?$/, `${name} is pinned exactly`)
    const isNamed = section.includes(`\`${name}\``) || (name.startsWith('@types/') && section.includes('`@types/*`'))
    assert.ok(isNamed, `${name} has a reason`)
  }
})

function readOrList(path: string): void {
  try {
    readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error
  }
}
