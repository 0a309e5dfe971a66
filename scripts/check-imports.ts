/**
 * Fails when an import points the wrong way: broker -> plugins -> protocol, clients -> protocol. `protocol` imports no
 * Node module; only `broker/cli.ts` and `broker/commands` may use `clients/cli`, and what it throws.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folders = ['broker', 'clients', 'plugins', 'protocol'] as const
type Folder = (typeof folders)[number]

const allowed: Readonly<Record<Folder, readonly Folder[]>> = {
  broker: ['broker', 'plugins', 'protocol'],
  clients: ['clients', 'protocol'],
  plugins: ['plugins', 'protocol'],
  protocol: ['protocol'],
}
/** Packages that run in a browser too. */
const pureProtocolPackages = ['@noble/ciphers', '@noble/curves', '@noble/hashes']

function sources(directory: string): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : []
  })
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] as string)
}

function problemOf(file: string, folder: Folder, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) {
    if (folder !== 'protocol') return undefined
    if (isBuiltin(specifier)) return 'protocol/ runs in browsers: no Node module'
    return pureProtocolPackages.some((name) => specifier.startsWith(`${name}/`))
      ? undefined
      : 'package not allowed in protocol/'
  }
  const target = relative(root, resolve(root, dirname(file), specifier))
  const targetFolder = target.split('/')[0] as Folder
  const isOfCommands = target.startsWith('clients/cli/') || target === 'clients/errors.ts'
  if (isOfCommands && (file === 'broker/cli.ts' || file.startsWith('broker/commands/'))) return undefined
  return allowed[folder].includes(targetFolder) ? undefined : `${folder}/ may not import ${targetFolder}/`
}

let checked = 0
let problems = 0
for (const folder of folders) {
  for (const file of sources(folder)) {
    for (const specifier of importsOf(file)) {
      checked++
      const problem = problemOf(file, folder, specifier)
      if (problem === undefined) continue
      problems++
      console.error(`${file}: '${specifier}': ${problem}`)
    }
  }
}
if (checked === 0) throw new Error('no import was found: this check would pass for nothing')
console.error(`${checked} imports checked, ${problems} wrong`)
process.exit(problems === 0 ? 0 : 1)
