import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'

/** Of every run one directory, by the id of its process: several may run at a time. */
const builds = '.test-build'

/** Loaded as they are installed: what is built for this machine, tools, and this package by its own name. */
const external = ['level', 'abstract-level', 'esbuild', 'playwright-core', 'notarymq']

/** Modules that run as worker threads; a thread is started by a module in the same folder. */
const workers = [
  'plugins/audit-verify/inspection-worker.ts',
  'plugins/authentication/argon2-worker.ts',
  'plugins/verification/verification-worker.ts',
]
const startsWorker = /\bstartWorker\('[^']+', import\.meta\.url\b/

/** What a run of the tests runs. */
export interface TestBuild {
  /** Has every source that was given where it is below the root; absolute. */
  readonly directory: string
  /** The tests, in their order. */
  readonly tests: readonly string[]
}

/**
 * Builds test files, and programs that they start, each with every module that it loads. Each is a process of its own;
 * to find, read and compile some hundred modules anew in each of them would be half the time that all tests take.
 * @param tests relative to `root`, as `programs`
 */
export async function bundleTests(
  root: string,
  tests: readonly string[],
  programs: readonly string[],
): Promise<TestBuild> {
  const outdir = join(root, builds, `${process.pid}`)
  process.on('exit', () => rmSync(outdir, { recursive: true, force: true }))
  removeLeftovers(join(root, builds))
  const common: BuildOptions = {
    absWorkingDir: root,
    outbase: root,
    outdir,
    bundle: true,
    external,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // What a CommonJS package requires that is not built in.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    // Sources are found by maps, which Node reads line by line: there are fewer lines.
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'error',
    plugins: [ownUrl(root, outdir), withoutMaps],
  }
  await Promise.all([
    build({ ...common, entryPoints: [...tests], splitting: true }),
    build({ ...common, entryPoints: [...programs], splitting: true, chunkNames: 'program/[name]-[hash]' }),
    build({ ...common, entryPoints: workers }),
  ])
  return { directory: outdir, tests: tests.map((file) => builtPath(outdir, file)) }
}

/** @param file relative to the root */
function builtPath(outdir: string, file: string): string {
  return join(outdir, file.replace(/\.ts$/, '.js'))
}

/** Modules say that they are where their sources are, but for those whose neighbours are to run as built. */
function ownUrl(root: string, outdir: string): Plugin {
  return {
    name: 'own-url',
    setup: ({ onLoad }) =>
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, 'utf8')
        const place = startsWorker.test(source) ? builtPath(outdir, relative(root, path)) : path
        const contents = source
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(place).href))
          .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        return { contents, loader: 'ts' }
      }),
  }
}

const emptyMap = Buffer.from('{"version":3,"sources":[""],"mappings":"A"}').toString('base64')

/** Keeps other people's modules out of the maps, which every process would read at its start. */
const withoutMaps: Plugin = {
  name: 'without-maps',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      return { contents: `${source}\n//# sourceMappingURL=data:application/json;base64,${emptyMap}`, loader: 'js' }
    }),
}

/** Of runs that were killed. */
function removeLeftovers(directory: string): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    if (!isRunning(Number(name))) rmSync(join(directory, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
