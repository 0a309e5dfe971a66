import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import type { EncryptionKey } from '../../protocol/index.ts'
import { parsePreSharedKeys } from '../encryption/index.ts'
import { ClientError } from '../errors.ts'

const anythingForOthers = 0o077

/**
 * Reads a file of pre-shared keys that nobody but its owner may touch.
 * @throws {ClientError} ERR_ENCRYPTION_KEYS
 */
export function loadPreSharedKeys(path: string): readonly EncryptionKey[] {
  return parsePreSharedKeys(readPrivateFile(path))
}

function readPrivateFile(path: string): string {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    // Of the open file: what is looked at is what is read. Windows has no such modes.
    if (process.platform !== 'win32' && (fstatSync(file).mode & anythingForOthers) !== 0) {
      throw new ClientError('ERR_ENCRYPTION_KEYS', `${path} is open to others; run chmod 600 on it`)
    }
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (cause instanceof ClientError) throw cause
    throw new ClientError('ERR_ENCRYPTION_KEYS', `${path} cannot be read`, {}, cause)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
