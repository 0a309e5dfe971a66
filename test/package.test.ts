import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

test('the package is built: npm ci does it, npm run build does it again', () => {
  assert.ok(existsSync(join(root, 'dist', 'broker', 'cli.js')), 'run `npm run build` first')
})

const exported = {
  notarymq: ['createBroker', 'BrokerError', 'brokerErrors'],
  'notarymq/plugins': ['AuditChain', 'createNotary', 'AdminService', 'PluginError', 'verifyStore'],
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
     export const wrong: BrokerOptions = { location: 'data', protect: [{ filter: 'a/#', mac: true }] }
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

test('the packed package holds the build, the documents and the licence, and no test, key or store', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = JSON.parse(output) as [{ files: { path: string }[] }]
  const paths = packed.files.map(({ path }) => path)
  for (const path of ['dist/broker/cli.js', 'dist/protocol/index.d.ts', 'docs/chain.md', 'README.md', 'LICENSE']) {
    assert.ok(paths.includes(path), path)
  }
  assert.deepEqual(
    paths.filter((path) => !/^(dist|docs)\/|^(README\.md|LICENSE|package\.json)$/.test(path)),
    [],
  )
  assert.ok(!paths.some((path) => /\.pem$|\/store\//.test(path)))
})
