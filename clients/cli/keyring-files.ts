import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { loadPublicKey } from '../identity/index.ts'
import { Keyring } from '../keyring/keyring.ts'
import { usageError } from './command.ts'

const suffix = '.pem'
const publicSuffix = '.pub.pem'

/**
 * A keyring of the public keys in files, or in directories of them, under the names of their files: `press-7.pem` and
 * `press-7.pub.pem` are the key press-7.
 * @throws {ClientError} ERR_USAGE, ERR_IDENTITY_FILE, ERR_PASSPHRASE, ERR_PUBLIC_KEY
 */
export function keyringOf(paths: readonly string[]): Keyring {
  const keyring = new Keyring()
  for (const path of paths.flatMap(filesOf)) keyring.add(nameOf(path), loadPublicKey(path))
  return keyring
}

function filesOf(path: string): string[] {
  const names = namesIn(path)
  if (names === undefined) return [path]
  // The private half of a key is not read where its public one lies beside it.
  const keys = names.filter((name) => {
    return name.endsWith(suffix) && (name.endsWith(publicSuffix) || !names.includes(`${nameOf(name)}${publicSuffix}`))
  })
  if (keys.length === 0) throw usageError(`${path} holds no key: NAME.pem`)
  return keys.sort().map((name) => join(path, name))
}

/** Files of a directory; undefined: it is none. */
function namesIn(path: string): string[] | undefined {
  try {
    return statSync(path).isDirectory() ? readdirSync(path) : undefined
  } catch (cause) {
    throw usageError(`cannot read ${path}`, cause)
  }
}

function nameOf(path: string): string {
  return basename(path).replace(/(?:\.pub)?\.pem$/, '')
}
