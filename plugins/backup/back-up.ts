import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { headerOfBlock } from '../../protocol/index.ts'
import {
  bytesOfFiles,
  freeBytesAt,
  replaceFileDurably,
  type StoreDatabase,
  syncDirectory,
} from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { type CopyOptions, copyStore } from './copy-store.ts'

export interface BackupOptions extends Omit<CopyOptions, 'checkRoom'> {
  /** Room that has to be left on the disk of the copy, as it is now, in bytes. Default 0. */
  readonly minFreeBytes?: () => number
}

export interface BackupResult {
  /** In the chain of the copy. */
  readonly records: number
  /** Of keys and values in its store. */
  readonly bytes: number
}

/**
 * Makes a copy of a data directory: store, `keys/`, and as `head` the newest header that the copy has. It appears under
 * its name when it is complete and durable. It has the private keys, protected by the passphrase that they are protected
 * by, or not at all.
 * @param location data directory of `database`
 * @param target the copy; its parent is there
 * @throws {PluginError} ERR_BACKUP_EXISTS, ERR_BACKUP_NO_ROOM, ERR_BACKUP_FAILED
 */
export async function backUp(
  database: StoreDatabase,
  location: string,
  target: string,
  { minFreeBytes = () => 0, ...options }: BackupOptions = {},
): Promise<BackupResult> {
  if (existsSync(target)) throw new PluginError('ERR_BACKUP_EXISTS', `${target} is there already`)
  const incomplete = join(dirname(target), `.${basename(target)}.incomplete`)
  const checkRoom = async (neededBytes: number) => {
    const freeBytes = await freeBytesAt(dirname(target))
    const spareBytes = minFreeBytes()
    if (freeBytes >= neededBytes + spareBytes) return
    const what = `a copy at ${target} needs ${neededBytes} bytes more, and ${spareBytes} are to stay free`
    throw new PluginError('ERR_BACKUP_NO_ROOM', `${what}; ${freeBytes} are free`, { freeBytes, neededBytes })
  }
  try {
    // What a crash left behind.
    await rm(incomplete, { recursive: true, force: true })
    await checkRoom(await bytesOfFiles(join(location, 'store')))
    await mkdir(incomplete, { mode: 0o700 })
    const { bytes, newestBlock } = await copyStore(database, incomplete, { ...options, checkRoom: () => checkRoom(0) })
    await copyKeys(join(location, 'keys'), join(incomplete, 'keys'))
    let records = 0
    if (newestBlock !== undefined) {
      const { header, signed } = headerOfBlock(newestBlock)
      records = header.treeSize
      await replaceFileDurably(join(incomplete, 'head'), signed, 0o644)
    }
    await syncFiles(join(incomplete, 'store'))
    await syncDirectory(incomplete)
    await rename(incomplete, target)
    await syncDirectory(dirname(target))
    return { records, bytes }
  } catch (cause) {
    await rm(incomplete, { recursive: true, force: true })
    if (cause instanceof PluginError && cause.code === 'ERR_BACKUP_NO_ROOM') throw cause
    throw new PluginError('ERR_BACKUP_FAILED', `there is no copy at ${target}`, {}, cause)
  }
}

async function syncFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const file = await open(join(directory, name), 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await syncDirectory(directory)
}

/** Every file as it is, with the permissions that it has. */
async function copyKeys(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(from, entry.name)
    const { mode } = await stat(path)
    const file = await open(join(to, entry.name), 'wx', mode & 0o777)
    try {
      await file.writeFile(await readFile(path))
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await syncDirectory(to)
}
