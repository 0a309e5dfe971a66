import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BrokerError } from '../errors.ts'

const { R_OK, W_OK, X_OK } = constants

/**
 * Makes the data directory when it is not there, and tries what the broker will need of what is in it, so that files of
 * an earlier start as another user are named before the store fails on one of them.
 * @throws {BrokerError} ERR_DATA_DIRECTORY
 */
export function openDataDirectory(location: string): void {
  try {
    mkdirSync(location, { recursive: true, mode: 0o700 })
    for (const [path, mode] of needs(location)) if (existsSync(path)) accessSync(path, mode)
  } catch (cause) {
    const { code, path = location } = cause as NodeJS.ErrnoException
    const uid = process.getuid?.()
    const help =
      code === 'EACCES'
        ? `; run "chown -R ${uid} ${resolve(location)}" and open the way to it, or write "user root" if root starts the broker`
        : ''
    const message = `user id ${uid} may not use ${resolve(path)}${help}`
    throw new BrokerError('ERR_DATA_DIRECTORY', message, { path }, cause)
  }
}

/** What is read, and what is written: LevelDB locks a file of its own; the others are replaced, which the directory allows. */
function needs(location: string): readonly (readonly [path: string, mode: number])[] {
  const [store, keys] = [join(location, 'store'), join(location, 'keys')]
  return [
    [location, R_OK | W_OK | X_OK],
    [store, R_OK | W_OK | X_OK],
    [join(store, 'LOCK'), R_OK | W_OK],
    [join(location, 'head'), R_OK],
    [keys, R_OK | X_OK],
    ...[...entriesOf(store), ...entriesOf(keys)].map((path) => [path, R_OK] as const),
  ]
}

function entriesOf(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : []
}
