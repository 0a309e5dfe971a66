import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfigFile } from '../../broker/config/index.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { hasTool } from '../helpers/tools.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scripts = join(root, 'scripts')
const textOf = (...path: readonly string[]) => readFileSync(join(scripts, ...path), 'utf8')

/** Settings of a unit by name; a name may come several times. */
function settingsOf(unit: string): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, string[]>()
  for (const line of unit.split('\n').filter((text) => /^[A-Za-z]/.test(text))) {
    const at = line.indexOf('=')
    const name = line.slice(0, at)
    settings.set(name, [...(settings.get(name) ?? []), line.slice(at + 1)])
  }
  return settings
}

test('the unit notifies, reloads by SIGHUP, keeps away from Mosquitto, and may write to its own directories only', () => {
  const unit = settingsOf(textOf('systemd', 'notarymq.service'))
  for (const [name, value] of Object.entries({
    Type: 'notify',
    // The message comes from systemd-notify, not from the main process.
    NotifyAccess: 'all',
    ExecReload: '/bin/kill -HUP $MAINPID',
    Conflicts: 'mosquitto.service',
    User: 'mosquitto',
    ProtectSystem: 'strict',
    NoNewPrivileges: 'true',
    StateDirectory: 'mosquitto',
    LogsDirectory: 'mosquitto',
    RuntimeDirectory: 'mosquitto',
    // Mosquitto's exit codes for a wrong configuration.
    RestartPreventExitStatus: '3 13',
  })) {
    assert.deepEqual(unit.get(name), [value], name)
  }
  // V8 cannot run with it.
  assert.equal(unit.has('MemoryDenyWriteExecute'), false)
})

test('systemd accepts the unit without a warning, and rates its exposure as low', (t) => {
  if (!hasTool(t, 'systemd-analyze', ['--version'], 'systemd')) return
  const path = join(temporaryDirectory(t), 'notarymq.service')
  const unit = textOf('systemd', 'notarymq.service')
  // The program is not installed here.
  writeFileSync(path, unit.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'))
  const run = (...args: readonly string[]) => execFileSync('systemd-analyze', [...args, path], { encoding: 'utf8' })
  assert.equal(run('verify', '--man=no'), '')
  const exposure = /exposure level for notarymq\.service: (\S+)/.exec(run('security', '--offline=true', '--no-pager'))
  assert.ok(Number(exposure?.[1]) < 3, exposure?.[0])
})

interface Instruction {
  readonly name: string
  readonly value: string
}

/** Instructions of a Dockerfile, with continued lines joined. */
function instructionsOf(dockerfile: string): readonly Instruction[] {
  const lines = dockerfile.split('\n').filter((line) => !/^\s*#/.test(line))
  return lines
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', value = ''] = /^([A-Z]+) +(.*)$/.exec(line) ?? []
      return { name, value }
    })
}

const known = new Set('FROM RUN COPY WORKDIR ENV VOLUME EXPOSE USER STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD'.split(' '))

test('the Dockerfile follows the rules that linters check', () => {
  const instructions = instructionsOf(textOf('docker', 'Dockerfile'))
  for (const { name, value } of instructions) {
    assert.ok(known.has(name), `${name} ${value}`)
    // Exec form, so that signals reach the broker and not a shell.
    if (name === 'CMD' || name === 'ENTRYPOINT' || name === 'VOLUME') assert.ok(Array.isArray(JSON.parse(value)))
    if (name === 'FROM') assert.match(value, /^[a-z]+:[0-9]+[a-z0-9.-]*( AS [a-z]+)?$/, 'a version, not latest')
    if (name === 'RUN') assert.doesNotMatch(value, /sudo|curl|wget|chmod 777/)
  }
  const healthcheck = instructions.find(({ name }) => name === 'HEALTHCHECK')?.value ?? ''
  const command = /CMD (.*)$/.exec(healthcheck)?.[1] ?? ''
  assert.deepEqual(JSON.parse(command), ['node', '/usr/local/lib/notarymq/healthcheck.mjs'])
  // What runs is the last stage.
  const stage = instructions.slice(instructions.map(({ name }) => name).lastIndexOf('FROM'))
  const valuesOf = (wanted: string) => stage.filter(({ name }) => name === wanted).map(({ value }) => value)
  assert.deepEqual(valuesOf('USER'), ['1883:1883'], 'the user of the official image, not root')
  assert.deepEqual(valuesOf('VOLUME'), ['["/mosquitto/data", "/mosquitto/log"]'])
  assert.deepEqual(valuesOf('EXPOSE'), ['1883'])
  assert.deepEqual(valuesOf('CMD'), ['["-c", "/mosquitto/config/mosquitto.conf"]'])
  const order = stage.map(({ name }) => name)
  assert.ok(order.indexOf('USER') > order.lastIndexOf('RUN'), 'only root may install')
})

test('everything that the Dockerfile copies is there and passes its ignore file, which lets nothing else in', () => {
  const admitted = textOf('docker', 'Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(admitted[0], '*')
  for (const line of admitted.slice(1)) {
    assert.match(line, /^![A-Za-z.-]+$/)
    assert.ok(existsSync(join(root, line.slice(1))), line)
  }
  for (const { name, value } of instructionsOf(textOf('docker', 'Dockerfile'))) {
    if (name !== 'COPY' || value.startsWith('--from=')) continue
    const [source = ''] = value.split(/ +/).filter((word) => !word.startsWith('--'))
    assert.ok(existsSync(join(root, source)), source)
    assert.ok(source === '.' || admitted.includes(`!${source.split('/')[0]}`), source)
  }
  for (const folder of ['node_modules', 'dist', '.git', 'test', 'coverage']) {
    assert.equal(admitted.includes(`!${folder}`), false, folder)
  }
})

test('the compose file mounts what Mosquitto sites mount, and takes rights away', () => {
  const compose = textOf('docker', 'compose.yml')
  assert.doesNotMatch(compose, /\t/)
  for (const line of [
    '      context: ../..',
    '      dockerfile: scripts/docker/Dockerfile',
    '      - "1883:1883"',
    '      - ./config:/mosquitto/config:ro',
    '      - data:/mosquitto/data',
    '      - log:/mosquitto/log',
    '    read_only: true',
    '      - ALL',
    '      - no-new-privileges:true',
  ]) {
    assert.ok(compose.split('\n').includes(line), line)
  }
  assert.doesNotMatch(compose, /privileged|network_mode|pid:|docker\.sock/)
})

test('the configuration of the image is one that the broker takes', () => {
  const { options } = loadConfigFile(join(scripts, 'docker', 'mosquitto.conf'))
  assert.equal(options.location, '/mosquitto/data/')
})

/** Runs the health check. @returns exit code */
async function healthcheck(env: Readonly<Record<string, string>>): Promise<number> {
  const file = join(scripts, 'docker', 'healthcheck.mjs')
  const child = spawn(process.execPath, [file], { env: { ...process.env, ...env }, stdio: 'ignore' })
  const [code] = await once(child, 'exit')
  return code
}

async function answering(t: TestContext, bytes: readonly number[]): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {
      // The health check ends without ceremony.
    })
    socket.once('data', (connect) => {
      // A CONNECT whose length is right, or nothing.
      const isWhole = connect[0] === 0x10 && connect[1] === connect.length - 2
      socket.end(Buffer.from(isWhole ? bytes : []))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => server.close())
  return String((server.address() as AddressInfo).port)
}

test('the health check takes any CONNACK for life, also one that refuses it, and nothing else', async (t) => {
  assert.equal(await healthcheck({ NOTARYMQ_PORT: await answering(t, [0x20, 2, 0, 0]) }), 0)
  assert.equal(await healthcheck({ NOTARYMQ_PORT: await answering(t, [0x20, 2, 0, 5]) }), 0)
  assert.equal(await healthcheck({ NOTARYMQ_PORT: await answering(t, [0xe0, 0]) }), 1)
  assert.equal(await healthcheck({ NOTARYMQ_PORT: await answering(t, []) }), 1)
})

test('the health check believes /readyz where it is told of one', async (t) => {
  let status = 200
  const server = createHttpServer((_request, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => server.close())
  const NOTARYMQ_READYZ = `http://127.0.0.1:${(server.address() as AddressInfo).port}/readyz`
  assert.equal(await healthcheck({ NOTARYMQ_READYZ }), 0)
  status = 503
  assert.equal(await healthcheck({ NOTARYMQ_READYZ }), 1)
  server.close()
  server.closeAllConnections()
  assert.equal(await healthcheck({ NOTARYMQ_READYZ }), 1)
})
