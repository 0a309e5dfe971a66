import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BrokerError } from './errors.ts'

/** A package where the loader found it. */
export interface FoundPackage {
  readonly version: string
  /** Path of its package.json; what it loads itself is looked up from here. */
  readonly manifest: string
}

/** Finds the package that a module in the file `from` would load as `name`; undefined when it would find none. */
export type FindPackage = (name: string, from: string) => FoundPackage | undefined

/**
 * What the guards of this broker were written and tested for, and what those packages load in turn: a name can be
 * installed in several versions, and only the copy that is loaded counts. aedes-packet 3 loses the MQTT 5 properties of
 * queued messages; ws 3 ends the process on one HTTP request.
 */
const engineVersions = [
  { name: 'aedes', wanted: '2.0.0-beta.1', loads: { 'aedes-packet': '4.0.1' } },
  { name: 'aedes-persistence-level', wanted: '9.2.0', loads: { 'aedes-packet': '4.0.1' } },
  { name: 'websocket-stream', wanted: '5.5.2', loads: { ws: '8.x' } },
] as const

/**
 * Refuses an engine other than the one that the guards are for.
 * @throws {BrokerError} ERR_ENGINE_VERSION; its details are the package, who loads it, the version found and the wanted
 */
export function assertEngineVersions(find: FindPackage = findPackage): void {
  const here = fileURLToPath(import.meta.url)
  for (const { name, wanted, loads } of engineVersions) {
    const { manifest } = checked(find(name, here), name, 'notarymq', wanted)
    for (const [inner, innerWanted] of Object.entries(loads)) {
      checked(find(inner, manifest), inner, name, innerWanted)
    }
  }
}

function checked(found: FoundPackage | undefined, name: string, loadedBy: string, wanted: string): FoundPackage {
  if (found !== undefined && isWanted(found.version, wanted)) return found
  const version = found?.version ?? 'none'
  throw new BrokerError('ERR_ENGINE_VERSION', `${loadedBy} loads ${name} ${version}; this broker needs ${wanted}`, {
    package: name,
    loadedBy,
    found: version,
    wanted,
  })
}

/** @param wanted an exact version, or a major one as `8.x` */
function isWanted(version: string, wanted: string): boolean {
  return wanted.endsWith('.x') ? version.startsWith(wanted.slice(0, -1)) : version === wanted
}

/** Looks where the loader looks; the same from the sources, from a build and from an installed package. */
export const findPackage: FindPackage = (name, from) => {
  let directory: string
  try {
    directory = dirname(createRequire(from).resolve(name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
  // A package may keep its package.json out of its exports, as aedes does, so it is looked for above the entry point.
  for (;;) {
    const manifest = join(directory, 'package.json')
    const found = readManifest(manifest)
    if (found?.name === name) return { version: found.version, manifest }
    const parent = dirname(directory)
    if (parent === directory) return undefined
    directory = parent
  }
}

/** @returns undefined when there is no such file */
function readManifest(path: string): { name?: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
