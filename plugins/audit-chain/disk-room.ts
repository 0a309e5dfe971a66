import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Free for programs that are not privileged, on the disk that a path is on. */
export async function freeBytesAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/** Of all files of a directory; of those in it, not. */
export async function bytesOfFiles(directory: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(directory)) {
    // LevelDB deletes files all the time.
    const found = await stat(join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    bytes += found?.size ?? 0
  }
  return bytes
}
