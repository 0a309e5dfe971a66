import { randomBytes } from 'node:crypto'
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AuthenticationError } from './errors.ts'
import { systemMessage } from './password-file.ts'

/**
 * Puts a new password file in the place of the old one, or where there was none: whole on disk under another name
 * first, then renamed. Mode 0600, and 0640 where the old file's group may read and is kept, as a broker with a user of
 * its own needs it. Owner and group are kept when we may give them.
 * @returns what the owner should know: who may read the file has changed
 * @throws {AuthenticationError} ERR_PASSWORD_FILE; the old file is then as it was
 */
export async function replacePasswordFile(path: string, content: Uint8Array): Promise<readonly string[]> {
  try {
    // A link stays a link; what it names is replaced.
    const target = await realpath(path).catch(ifMissing(path))
    const old = await stat(target).catch(ifMissing(undefined))
    if (old !== undefined && !old.isFile()) throw new AuthenticationError('ERR_PASSWORD_FILE', `${path} is not a file`)
    const notes: string[] = []
    const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
    const file = await open(temporary, 'wx', 0o600)
    try {
      try {
        if (old !== undefined) notes.push(...(await keepAccess(file, old, path)))
        await file.writeFile(content)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, target)
    } catch (error) {
      await unlink(temporary)
      throw error
    }
    await syncDirectory(dirname(target))
    return notes
  } catch (cause) {
    if (cause instanceof AuthenticationError) throw cause
    throw new AuthenticationError('ERR_PASSWORD_FILE', `cannot write ${path}: ${systemMessage(cause)}`, {}, cause)
  }
}

interface Access {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

async function keepAccess(file: FileHandle, old: Access, path: string): Promise<string[]> {
  const notes: string[] = []
  const { uid, gid } = await file.stat()
  let isKept = true
  if (uid !== old.uid || gid !== old.gid) {
    try {
      await file.chown(old.uid, old.gid)
    } catch (error) {
      if (systemMessage(error) !== 'EPERM') throw error
      isKept = false
      notes.push(`${path} had another owner or group and is yours now: see that the broker may read it`)
    }
  }
  await file.chmod(0o600 | (isKept ? old.mode & 0o040 : 0))
  if ((old.mode & 0o004) !== 0) {
    notes.push(`${path} could be read by everybody and no longer can: see that the broker may read it`)
  }
  return notes
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function ifMissing<T>(instead: T) {
  return (error: unknown): T => {
    if (systemMessage(error) === 'ENOENT') return instead
    throw error
  }
}
