import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceFileDurably, syncDirectory } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { manifestName, manifestText } from './manifest.ts'

const mode = 0o644
/** A note has 256 KiB at most, a manifest less. */
const maxSmallFileBytes = 256 * 1024

/** Writes a file part by part; what was there under its name stays until {@link finish}. */
export interface FileInParts {
  add(part: Uint8Array): Promise<void>
  finish(): Promise<void>
  /** Leaves what was there. */
  abandon(): Promise<void>
}

/** Parts are collected up to this size before they are written. */
const bufferBytes = 256 * 1024

/** The directory of an export. Files come into it whole: written beside their place, synced, renamed. */
export class ExportDirectory {
  readonly #path: string
  /** Whose names are not durable yet. */
  readonly #unsynced = new Set<string>()

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Makes the directory, or checks that it is one of this log.
   * @throws {PluginError} ERR_EXPORT_DIRECTORY
   */
  async open(origin: string): Promise<void> {
    const manifest = manifestText(origin)
    try {
      await mkdir(this.#path, { recursive: true })
      const found = await this.readSmall(manifestName)
      if (found === undefined) {
        // A crash may have left the first file that was ever written here.
        const names = (await readdir(this.#path)).filter((name) => name !== `${manifestName}.new`)
        if (names.length > 0) throw unusable(`${this.#path} holds something else`)
        await replaceFileDurably(join(this.#path, manifestName), manifest, mode)
      } else if (Buffer.from(found).toString() !== manifest) {
        throw unusable(`${this.#path} is the export of another log, or of another version`)
      }
    } catch (error) {
      if (error instanceof PluginError) throw error
      throw unusable(`${this.#path}: ${(error as Error).message}`, error)
    }
  }

  /** A small file; undefined when it is not there. @throws {PluginError} ERR_EXPORT_DIRECTORY: it is not small */
  async readSmall(name: string): Promise<Uint8Array | undefined> {
    const path = join(this.#path, name)
    try {
      if ((await stat(path)).size > maxSmallFileBytes) throw unusable(`${path} is too large`)
      return await readFile(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async write(name: string, content: Uint8Array | string): Promise<void> {
    const file = await this.begin(name)
    await file.add(Buffer.from(content))
    await file.finish()
  }

  async begin(name: string): Promise<FileInParts> {
    const path = join(this.#path, name)
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(`${path}.new`, 'w', mode)
    let parts: Uint8Array[] = []
    let size = 0
    const flush = async () => {
      const collected = Buffer.concat(parts)
      parts = []
      size = 0
      await handle.writeFile(collected)
    }
    return {
      add: async (part) => {
        parts.push(part)
        size += part.length
        if (size >= bufferBytes) await flush()
      },
      finish: async () => {
        try {
          await flush()
          await handle.sync()
        } finally {
          await handle.close()
        }
        await rename(`${path}.new`, path)
        for (let at = dirname(path); at.length >= this.#path.length; at = dirname(at)) this.#unsynced.add(at)
      },
      abandon: async () => {
        await handle.close()
        await rm(`${path}.new`, { force: true })
      },
    }
  }

  /** Makes durable all that was written. */
  async sync(): Promise<void> {
    for (const directory of this.#unsynced) await syncDirectory(directory)
    this.#unsynced.clear()
  }

  /** Replaces a file of the top, durably. */
  async replace(name: string, content: Uint8Array | string): Promise<void> {
    await replaceFileDurably(join(this.#path, name), content, mode)
  }

  /** Removes a partial file, and its folder with the last one. */
  async removePartial(name: string): Promise<void> {
    const path = join(this.#path, name)
    await rm(path, { force: true })
    const folder = dirname(path)
    if (existsSync(folder) && (await readdir(folder)).length === 0) await rmdir(folder)
  }
}

function unusable(what: string, cause?: unknown): PluginError {
  return new PluginError('ERR_EXPORT_DIRECTORY', what, {}, cause)
}
