import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** What `--db` names: the data directory of a broker, or its `store/`. */
export function dataDirectoryOf(path: string): string {
  const absolute = resolve(path)
  const isStore = basename(absolute) === 'store' && existsSync(join(absolute, 'CURRENT'))
  return isStore ? dirname(absolute) : absolute
}
