/**
 * Runs every test file below test/, or those whose path contains one of the arguments. Node 20's own runner expands no
 * patterns, and exits 0 when it is given no file: both are handled here.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleTests } from './bundle-tests.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const wanted = process.argv.slice(2)

function sourcesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return entry.name === 'vectors' ? [] : sourcesBelow(path)
    return entry.name.endsWith('.ts') ? [relative(root, path)] : []
  })
}

const sources = sourcesBelow(join(root, 'test')).sort()
const all = sources.filter((file) => file.endsWith('.test.ts'))
const files = wanted.length === 0 ? all : all.filter((file) => wanted.some((part) => file.includes(part)))
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(' ')}`)
  process.exit(1)
}
console.error(`${files.length} of ${all.length} test files`)
// Coverage is of the sources as they are; for everything else they are built once, not in each of the processes.
const isCoverage = process.env.NODE_V8_COVERAGE !== undefined
const source = isCoverage ? ['--import', 'tsx'] : ['--enable-source-maps']
// Programs that tests start in processes of their own: ours, and those that are written to be killed.
const programs = [
  'broker/cli.ts',
  'clients/secure-mqtt-client/cli.ts',
  ...sources.filter((file) => file.endsWith('-process.ts')),
]
const build = isCoverage ? undefined : await bundleTests(root, files, programs)
// Three at a time on the smallest machines, which have two cores: tests wait for disks and clocks, too.
// The reporter names what failed once more at its end, where the output of thousands of tests is read first.
const args = [...source, '--test', '--test-concurrency=3', '--test-reporter=spec', ...(build?.tests ?? files)]
const env = { ...process.env, ...(build === undefined ? undefined : { NOTARYMQ_TEST_BUILD: build.directory }) }
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env })
process.exit(status ?? 1)
