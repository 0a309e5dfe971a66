/**
 * Before packing: writes the versions of `overrides` into the package.json of each bundled package that asks for others.
 *
 * `overrides` do not reach those who install this package; the bundled copies do. But a copy whose own package.json asks
 * for another version than lies beside it makes `npm ci` fail in every project that depends on us, and `npm ls` call it
 * invalid. Nothing else of a bundled package is touched.
 *
 * Usage: node scripts/lift-bundled.mjs [directory of the package to pack, by default this one]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
const { bundledDependencies, overrides } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

for (const name of bundledDependencies) {
  const path = join(root, 'node_modules', name, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  let isChanged = false
  for (const [dependency, version] of Object.entries(overrides)) {
    if (!Object.hasOwn(manifest.dependencies ?? {}, dependency)) continue
    if (manifest.dependencies[dependency] === version) continue
    manifest.dependencies[dependency] = version
    isChanged = true
  }
  if (isChanged) writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`)
}
