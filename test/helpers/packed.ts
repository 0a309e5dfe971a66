import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const runFile = promisify(execFile)

/** A package manager on a busy machine takes its time; one that hangs is ended. */
const longestRunMs = 300_000

/** Runs a program to its end. @returns its standard output @throws when it exits with another code than 0 */
export async function runIn(directory: string, command: string, args: readonly string[]): Promise<string> {
  // What `npm test` says of this package to its own children must not reach an npm that works in another one.
  const ofThisPackage = /^npm_(config_local_prefix|package_|lifecycle_|command$)/
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofThisPackage.test(name)))
  const { stdout } = await runFile(command, args, { cwd: directory, env, timeout: longestRunMs, maxBuffer: 2 ** 26 })
  return stdout
}

/** Runs a script of a package installed here, as TypeScript's compiler. */
export function runScript(directory: string, script: string, args: readonly string[]): Promise<string> {
  return runIn(directory, process.execPath, [join(root, script), ...args])
}

/**
 * Packs what `npm pack` in a clean clone would, in a directory beside: `dist/` is built from the sources as they are,
 * and the one that other tests import from stays untouched.
 * @returns the path of the tarball
 */
export async function packPackage(directory: string): Promise<string> {
  const stage = join(directory, 'stage')
  mkdirSync(stage)
  for (const path of ['package.json', 'README.md', 'LICENSE', 'docs', ...bundledDirectories()]) {
    cpSync(join(root, path), join(stage, path), { recursive: true })
  }
  const compiler = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(stage, 'dist')]
  await runScript(root, 'node_modules/typescript/bin/tsc', compiler)
  await runScript(stage, 'scripts/lift-bundled.mjs', [stage])
  const output = await runIn(stage, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory])
  const [packed] = JSON.parse(output) as [{ filename: string }]
  return join(directory, packed.filename)
}

/** Directories below node_modules that travel in the package. */
function bundledDirectories(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { inBundle?: true }>
  }
  return Object.keys(packages).filter((path) => packages[path]?.inBundle === true)
}
