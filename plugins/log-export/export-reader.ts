import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type BundleFile, type LogFile, logFilePath, recordLengthBytes, tileWidth } from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { ExportFaultFound } from './export-faults.ts'

/** A file, and whether it is the one of this width or a wider one that took its place. */
export interface FoundFile {
  readonly bytes: Uint8Array
  readonly isExact: boolean
}

const maxItem = 2 + 0xffff

/** Reads the files of an export. Nothing in them is believed, their sizes least of all. */
export class ExportReader {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** @throws {PluginError} ERR_EXPORT_DIRECTORY: there is no such directory, or no right to it */
  async open(): Promise<void> {
    try {
      await readdir(this.#path)
    } catch (cause) {
      throw new PluginError('ERR_EXPORT_DIRECTORY', `cannot read ${this.#path}: ${(cause as Error).message}`, {}, cause)
    }
  }

  /** @returns undefined when it is not there @throws {ExportFaultFound} file-malformed: larger than `most` */
  async read(name: string, most: number): Promise<Uint8Array | undefined> {
    const file = await this.#open(name)
    if (file === undefined) return undefined
    try {
      const { size } = await file.stat()
      if (size > most) throw new ExportFaultFound({ cause: 'file-malformed', file: name })
      const bytes = Buffer.alloc(size)
      const { bytesRead } = await file.read(bytes, 0, size, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }

  /**
   * A tile, or a bundle of entries or headers.
   * @throws {ExportFaultFound} file-missing, file-malformed
   */
  async readFile(file: Exclude<LogFile, { kind: 'checkpoint' }>): Promise<FoundFile> {
    const most = tileWidth * maxItem
    const bytes = await this.read(logFilePath(file), most)
    if (bytes !== undefined) return { bytes, isExact: true }
    const wider = file.width < tileWidth ? await this.read(logFilePath({ ...file, width: tileWidth }), most) : undefined
    if (wider === undefined) throw missing(file)
    return { bytes: wider, isExact: false }
  }

  /**
   * Items of a bundle of records, one by one, without their lengths.
   * @throws {ExportFaultFound} file-missing, file-malformed
   */
  async *readRecords(file: BundleFile): AsyncGenerator<Uint8Array> {
    let [name, isExact] = [logFilePath(file), true]
    let handle = await this.#open(name)
    if (handle === undefined && file.width < tileWidth) {
      ;[name, isExact] = [logFilePath({ ...file, width: tileWidth }), false]
      handle = await this.#open(name)
    }
    if (handle === undefined) throw missing(file)
    const malformed = new ExportFaultFound({ cause: 'file-malformed', file: name, index: file.index * tileWidth })
    try {
      const { size } = await handle.stat()
      const part = new PartReader(handle, size)
      for (let i = 0; i < file.width; i++) {
        const length = await part.take(recordLengthBytes)
        const item = length === undefined ? undefined : await part.take(Buffer.from(length).readUInt32BE())
        if (item === undefined) throw malformed
        yield item
      }
      if (isExact && part.left > 0) throw malformed
    } finally {
      await handle.close()
    }
  }

  async #open(name: string): Promise<FileHandle | undefined> {
    try {
      return await open(join(this.#path, name), 'r')
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(`${(error as NodeJS.ErrnoException).code}`)) return undefined
      throw error
    }
  }
}

const chunkBytes = 256 * 1024

/** Takes parts off a file from its beginning. */
class PartReader {
  readonly #handle: FileHandle
  readonly #size: number
  #at = 0
  #chunk: Uint8Array = new Uint8Array(0)
  #chunkAt = 0

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle
    this.#size = size
  }

  get left(): number {
    return this.#size - this.#at
  }

  /** The next bytes; undefined when the file ends before. Nothing is allocated for what is not there. */
  async take(length: number): Promise<Uint8Array | undefined> {
    if (length > this.left) return undefined
    const within = this.#at - this.#chunkAt
    if (within + length > this.#chunk.length) {
      const bytes = Buffer.alloc(Math.max(length, Math.min(chunkBytes, this.left)))
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, this.#at)
      if (bytesRead < length) return undefined
      this.#chunk = bytes.subarray(0, bytesRead)
      this.#chunkAt = this.#at
    }
    const start = this.#at - this.#chunkAt
    this.#at += length
    return this.#chunk.subarray(start, start + length)
  }
}

function missing(file: Exclude<LogFile, { kind: 'checkpoint' }>): ExportFaultFound {
  const perHash = file.kind === 'tile' ? tileWidth ** file.level : 1
  return new ExportFaultFound({
    cause: 'file-missing',
    file: logFilePath(file),
    index: file.index * tileWidth * perHash,
  })
}
