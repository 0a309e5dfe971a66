import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertEngineVersions, type FindPackage, findPackage } from '../../broker/engine-versions.ts'
import { BrokerError } from '../../broker/index.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** Versions by who loads what, as they have to be. */
const right: Readonly<Record<string, string>> = {
  'notarymq > aedes': '2.0.0-beta.1',
  'aedes > aedes-packet': '4.0.1',
  'notarymq > aedes-persistence-level': '9.2.0',
  'aedes-persistence-level > aedes-packet': '4.0.1',
  'notarymq > websocket-stream': '5.5.2',
  'websocket-stream > ws': '8.23.0',
}

/** A tree in which every package holds its own copy of what it loads; what is undefined is not installed. */
function treeOf(versions: Readonly<Record<string, string | undefined>>): FindPackage {
  return (name, from) => {
    const loader = /([a-z-]+)\/package\.json$/.exec(from)?.[1] ?? 'notarymq'
    const version = versions[`${loader} > ${name}`]
    return version === undefined ? undefined : { version, manifest: `/${name}/package.json` }
  }
}

/** Details of the refusal. */
function refusalOf(find: FindPackage): unknown {
  try {
    assertEngineVersions(find)
  } catch (error) {
    assert.ok(error instanceof BrokerError)
    assert.equal(error.code, 'ERR_ENGINE_VERSION')
    return error.details
  }
  return assert.fail('it was not refused')
}

test('the versions that are installed here are the wanted ones', () => {
  assertEngineVersions()
})

test('the engine with its guards is accepted, and any ws 8', () => {
  for (const ws of ['8.0.0', '8.23.0', '8.100.1'])
    assertEngineVersions(treeOf({ ...right, 'websocket-stream > ws': ws }))
})

for (const [edge, version, wanted] of [
  ['notarymq > aedes', '1.2.0', '2.0.0-beta.1'],
  ['notarymq > aedes', '2.0.0', '2.0.0-beta.1'],
  ['notarymq > aedes', '2.0.0-beta.10', '2.0.0-beta.1'],
  ['aedes > aedes-packet', '4.0.2', '4.0.1'],
  ['notarymq > aedes-persistence-level', '9.1.2', '9.2.0'],
  ['aedes-persistence-level > aedes-packet', '3.0.0', '4.0.1'],
  ['notarymq > websocket-stream', '5.5.1', '5.5.2'],
  ['websocket-stream > ws', '3.3.3', '8.x'],
  ['websocket-stream > ws', '9.0.0', '8.x'],
  ['websocket-stream > ws', '80.0.0', '8.x'],
] as const) {
  test(`refuses ${edge} ${version}, and says what is wanted`, () => {
    const [loadedBy, name] = edge.split(' > ')
    assert.deepEqual(refusalOf(treeOf({ ...right, [edge]: version })), {
      package: name,
      loadedBy,
      found: version,
      wanted,
    })
  })
}

for (const edge of Object.keys(right)) {
  test(`refuses to go on without ${edge}`, () => {
    const [loadedBy, name] = edge.split(' > ')
    const details = refusalOf(treeOf({ ...right, [edge]: undefined })) as Record<string, unknown>
    assert.deepEqual([details.package, details.loadedBy, details.found], [name, loadedBy, 'none'])
  })
}

test('a package is found where its dependent loads it, not where others do', (t) => {
  const root = temporaryDirectory(t)
  install(root, 'ws', '8.23.0')
  const dependent = install(root, 'websocket-stream', '5.5.2')
  install(dependent, 'ws', '3.3.3')
  const other = install(root, 'mqtt', '5.16.0')
  const versionFor = (directory: string) => findPackage('ws', join(directory, 'package.json'))?.version
  assert.deepEqual([root, dependent, other].map(versionFor), ['8.23.0', '3.3.3', '8.23.0'])
})

test('a package whose exports hide its package.json is found, its entry point in a folder with one of its own', (t) => {
  const root = temporaryDirectory(t)
  const directory = install(root, 'hidden', '1.2.3', { exports: { '.': './lib/index.js' } })
  mkdirSync(join(directory, 'lib'))
  writeFileSync(join(directory, 'lib', 'index.js'), '')
  writeFileSync(join(directory, 'lib', 'package.json'), JSON.stringify({ type: 'commonjs' }))
  assert.deepEqual(findPackage('hidden', join(root, 'main.js')), {
    version: '1.2.3',
    manifest: join(directory, 'package.json'),
  })
})

test('a package that is not installed is not found', (t) => {
  assert.equal(findPackage('not-installed-anywhere', join(temporaryDirectory(t), 'main.js')), undefined)
})

test('what this project pins is what its broker asks for', () => {
  const { dependencies, overrides } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { dependencies: Record<string, string>; overrides: Record<string, string> }
  for (const name of ['aedes', 'aedes-persistence-level', 'websocket-stream']) {
    assert.equal(dependencies[name], right[`notarymq > ${name}`])
  }
  assert.equal(overrides['aedes-packet'], right['aedes-persistence-level > aedes-packet'])
  assert.equal(overrides.ws, right['websocket-stream > ws'])
})

/** @returns the directory of the installed package */
function install(into: string, name: string, version: string, more: object = {}): string {
  const directory = join(into, 'node_modules', name)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, version, main: 'index.js', ...more }))
  writeFileSync(join(directory, 'index.js'), '')
  return directory
}
