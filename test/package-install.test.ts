import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findPackage } from '../broker/engine-versions.ts'
import { version } from '../broker/version.ts'
import { freePort } from './helpers/broker.ts'
import { configurationText } from './helpers/configuration.ts'
import { TestClient } from './helpers/mqtt-clients.ts'
import { packPackage, runIn, runScript } from './helpers/packed.ts'
import { TestProcess } from './helpers/processes.ts'
import { temporaryDirectory } from './helpers/temporary.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the package, packed and installed in an empty project', async (t) => {
  const directory = temporaryDirectory(t)
  const tarball = await packPackage(directory)
  const project = join(directory, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }))
  await runIn(project, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball])
  const binary = join(project, 'node_modules', '.bin', 'notarymq')

  await t.test('loads the versions that the overrides of this project lift to, from copies of its own', () => {
    const own = join(project, 'node_modules', 'notarymq', 'node_modules', sep)
    for (const [path, wanted] of [
      [['aedes'], '2.0.0-beta.1'],
      [['aedes', 'aedes-packet'], '4.0.1'],
      [['aedes', 'aedes-persistence', 'aedes-packet'], '4.0.1'],
      [['aedes-persistence-level'], '9.2.0'],
      [['aedes-persistence-level', 'aedes-packet'], '4.0.1'],
      [['aedes-persistence-level', 'aedes-persistence', 'aedes-packet'], '4.0.1'],
      [['websocket-stream'], '5.5.2'],
      [['websocket-stream', 'ws'], '8.23.0'],
    ] as const) {
      const found = foundAlong(project, ['notarymq', ...path])
      assert.equal(found.version, wanted, path.join(' > '))
      assert.ok(found.manifest.startsWith(own), found.manifest)
    }
  })

  await t.test('leaves LevelDB, which has an install script, to the installation', () => {
    const { manifest } = foundAlong(project, ['notarymq', 'level', 'classic-level'])
    assert.equal(manifest, join(project, 'node_modules', 'classic-level', 'package.json'))
  })

  await t.test('leaves a tree that npm calls valid, and a lock file that npm ci takes', async () => {
    await runIn(project, 'npm', ['ls', '--all'])
    await runIn(project, 'npm', ['ci', '--dry-run', '--prefer-offline', '--no-audit', '--no-fund'])
  })

  await t.test('has a program that says its version', async () => {
    assert.equal(await runIn(project, binary, ['--version']), `${version}\n`)
  })

  await t.test('has a second program, for the secure MQTT client', async () => {
    const second = join(project, 'node_modules', '.bin', 'secure_mqtt_client')
    assert.match(await runIn(project, second, ['--help']), /^Usage: secure_mqtt_client /)
  })

  await t.test(
    'has a broker that takes publishes over TCP and WebSocket, signed ones too, and ends with 0 on SIGTERM',
    async (t) => {
      const [port, webSocketPort] = [await freePort(), await freePort()]
      const configFile = join(directory, 'installed.conf')
      const location = join(directory, 'data')
      const listeners = [`listener ${port} 127.0.0.1`, `listener ${webSocketPort} 127.0.0.1`, 'protocol websockets']
      const lines = [...listeners, 'allow_anonymous true', `persistence_location ${location}`, 'log_dest stdout']
      const rules = ['notary_admin anonymous', 'notary_protect valve/# signed']
      writeFileSync(configFile, configurationText([...lines, ...rules]))
      const broker = new TestProcess(t, binary, ['-c', configFile], { cwd: project })
      await broker.line(/ running$/)

      const overTcp = await TestClient.connect(t, port)
      assert.equal(await overTcp.subscribe('plant/#', 1), 1)
      const overWebSocket = await TestClient.connect(t, `ws://127.0.0.1:${webSocketPort}`)
      assert.equal(await overWebSocket.publish('plant/temperature', '21.5'), 0)
      const [message] = await overTcp.waitFor(1)
      assert.equal(message?.payload.toString(), '21.5')
      assert.equal(await overTcp.publish('plant/temperature', '22'), 0)
      await Promise.all([overTcp.end(), overWebSocket.end()])

      // Commands are loaded when they are called, and signatures are verified in threads: both are files of their own.
      const key = join(directory, 'valve.pem')
      const at = ['-h', '127.0.0.1', '-p', `${port}`]
      await runIn(project, binary, ['keygen', key])
      await runIn(project, binary, ['enroll', key, '--name', 'valve', ...at])
      const signed = await runIn(project, binary, [
        'pub',
        '--identity',
        key,
        '-t',
        'valve/1',
        '-m',
        'open',
        '--json',
        ...at,
      ])
      assert.equal((JSON.parse(signed) as { seq?: number }).seq, 1)

      broker.child.kill('SIGTERM')
      const { code, stdout, stderr } = await broker.ended
      assert.equal(code, 0, `${stdout}${stderr}`)
    },
  )

  await t.test('can be imported as an ES module under its four names', async () => {
    writeFileSync(join(project, 'main.js'), consumer)
    assert.equal(await runIn(project, process.execPath, ['main.js']), 'function function function function\n')
  })

  await t.test('has types that a strict project compiles with, those of its dependencies checked too', async () => {
    writeFileSync(join(project, 'main.ts'), `${consumer}${typedConsumer}`)
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      typeRoots: [join(root, 'node_modules', '@types')],
      types: ['node'],
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }))
    await runScript(project, 'node_modules/typescript/bin/tsc', ['-p', project])
  })
})

const consumer = `
import { createBroker } from 'notarymq'
import { createNotary } from 'notarymq/plugins'
import { connectAsync } from 'notarymq/client'
import { signPublish } from 'notarymq/protocol'
console.log(typeof createBroker, typeof createNotary, typeof signPublish, typeof connectAsync)
`

const typedConsumer = `
import type { BrokerOptions } from 'notarymq'
import { AuditChain } from 'notarymq/plugins'
import { nobleCrypto, type RecordJson } from 'notarymq/protocol'
const options: BrokerOptions = { location: 'data', protect: [{ filter: 'a/#', signed: true }] }
const size: number = (await createBroker(options)).chain.state.frontier.size
createNotary({ chain: await AuditChain.open({ location: 'other' }) }).authorizePublish
const record: RecordJson | undefined = undefined
export const used = [size, record, nobleCrypto]
// @ts-expect-error a directory is a string
export const wrong: BrokerOptions = { location: 1 }
`

/** Follows who loads whom, beginning with what the project loads. */
function foundAlong(project: string, path: readonly string[]): { version: string; manifest: string } {
  let found = { version: '', manifest: join(project, 'package.json') }
  for (const name of path) {
    const next = findPackage(name, found.manifest)
    assert.ok(next !== undefined, `${name}, loaded by ${found.manifest}`)
    found = next
  }
  return found
}
