import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the package is built: npm ci does it, npm run build does it again', () => {
  assert.ok(existsSync(join(root, 'dist', 'broker', 'cli.js')), 'run `npm run build` first')
})

test('npx starts the program of the build in this directory, as the README has it', () => {
  assert.match(execFileSync('npx', ['notarymq', '--version'], { cwd: root, encoding: 'utf8' }), /^\d+\.\d+\.\d+\n$/)
})

test('every program of the build can be executed', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  for (const [name, path] of Object.entries(bin)) {
    assert.match(execFileSync(join(root, path), ['--help'], { encoding: 'utf8' }), new RegExp(`\\b${name}\\b`))
  }
})

const exported = {
  notarymq: ['createBroker', 'BrokerError', 'brokerErrors'],
  'notarymq/plugins': ['AuditChain', 'createNotary', 'AdminService', 'PluginError', 'verifyStore'],
  'notarymq/client': ['connectAsync', 'Keyring', 'MemoryKeyStore', 'ClientError', 'generateWebCryptoKeys'],
  'notarymq/secure-link': ['SecureClient', 'SecureServer'],
  'notarymq/protocol': ['signPublish', 'parseAttachedEnvelope', 'verifySign1', 'ChainVerifier', 'nobleCrypto'],
} as const

for (const [specifier, names] of Object.entries(exported)) {
  test(`${specifier} can be imported from the build and exports what the README uses`, async () => {
    const module = (await import(specifier)) as Record<string, unknown>
    for (const name of names) assert.ok(module[name] !== undefined, name)
  })
}

test('a strict TypeScript project can use the exported types', (t) => {
  const project = join(root, 'test', `.consumer-${process.pid}`)
  mkdirSync(project)
  t.after(() => rmSync(project, { recursive: true, force: true }))
  writeFileSync(
    join(project, 'consumer.ts'),
    `import { type BrokerOptions, createBroker } from 'notarymq'
     import { AuditChain, createNotary } from 'notarymq/plugins'
     import { nobleCrypto, parseAttachedEnvelope, type RecordJson } from 'notarymq/protocol'
     const options: BrokerOptions = { location: 'data', protect: [{ filter: 'a/#', signed: true }] }
     const broker = await createBroker(options)
     const size: number = broker.chain.state.frontier.size
     const chain = await AuditChain.open({ location: 'other' })
     createNotary({ chain }).authorizePublish
     const record: RecordJson | undefined = undefined
     export const used = [size, record, parseAttachedEnvelope(new Uint8Array(0)), nobleCrypto]
     // @ts-expect-error a rule that does not exist is a type error
     export const wrong: BrokerOptions = { location: 'data', protect: [{ filter: 'a/#', sealed: true }] }
    `,
  )
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['consumer.ts'] }))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [tsc, '-p', project], { cwd: project, encoding: 'utf8' })
})

test('the packed package holds the build, the documents and the licence, and no source, test, key or store', () => {
  const paths = packed().files.map(({ path }) => path)
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  assert.deepEqual(Object.keys(bin), ['notarymq', 'secure_mqtt_client'])
  for (const path of [...Object.values(bin), 'dist/protocol/index.d.ts', 'docs/chain.md', 'README.md', 'LICENSE']) {
    assert.ok(paths.includes(path), path)
  }
  const expected =
    /^dist\/(broker|clients|plugins|protocol)\/.+\.(js|js\.map|d\.ts)$|^docs\/.+\.md$|^(README\.md|LICENSE|package\.json)$/
  assert.deepEqual(
    paths.filter((path) => !path.startsWith('node_modules/') && !expected.test(path)),
    [],
  )
  assert.ok(!paths.some((path) => /\.(pem|node)$|\/store\//.test(path)))
})

test('the packed package carries the engine with what it loads, nothing that has to be built, and no tool of ours', () => {
  const { bundled, size } = packed()
  for (const name of ['aedes', 'aedes-packet', 'aedes-persistence-level', 'websocket-stream', 'ws', 'mqtt-packet']) {
    assert.ok(bundled.includes(name), name)
  }
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { inBundle?: true; hasInstallScript?: true }>
  }
  const built = Object.entries(packages).filter(([, { inBundle, hasInstallScript }]) => inBundle && hasInstallScript)
  assert.deepEqual(built, [])
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  // mqtt-packet asks for these types by way of bl, and npm bundles all that a bundled package asks for.
  const tools = Object.keys(devDependencies).filter((name) => name !== '@types/node')
  assert.deepEqual(
    bundled.filter((name) => tools.includes(name) || name === 'level' || name === 'classic-level'),
    [],
  )
  assert.ok(size < 4_000_000, `${size} bytes`)
})

interface Packed {
  readonly files: readonly { readonly path: string }[]
  readonly bundled: readonly string[]
  readonly size: number
}

let known: Packed | undefined

/** What `npm pack` would pack, asked once. */
function packed(): Packed {
  known ??= askNpm()
  return known
}

function askNpm(): Packed {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  })
  const [result] = JSON.parse(output) as [Packed]
  return result
}
