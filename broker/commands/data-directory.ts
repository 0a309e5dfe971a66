import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** What `--db` names: a data directory, or the `store/` in it. */
export function dataDirectoryOf(path: string): string {
  const absolute = resolve(path)
  const isStore = basename(absolute) === 'store' && existsSync(join(absolute, 'CURRENT'))
  return isStore ? dirname(absolute) : absolute
}
