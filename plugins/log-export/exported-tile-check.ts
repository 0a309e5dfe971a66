import { bytesEqual, hashBytes, logFilePath, type TreeGrowth, tileWidth } from '../../protocol/index.ts'
import { ExportFaultFound } from './export-faults.ts'
import type { ExportReader } from './export-reader.ts'

/** Compares the tiles of an export with the leaves that are read from it, as they come. */
export class ExportedTileCheck {
  readonly #reader: ExportReader
  /** By level: hashes of the tile that is being filled, and how many full ones there are. */
  readonly #levels: { hashes: Uint8Array[]; index: number }[] = []

  constructor(reader: ExportReader) {
    this.#reader = reader
  }

  /**
   * @param growth by the leaves of one bundle
   * @throws {ExportFaultFound} tile-mismatch, file-missing, file-malformed
   */
  async add({ leafHashes, tileRoots }: TreeGrowth): Promise<void> {
    this.#level(0).hashes.push(...leafHashes)
    // A bundle completes tiles with its last leaf alone.
    for (const [level, root] of tileRoots.entries()) {
      await this.#compare(level)
      this.#level(level + 1).hashes.push(root)
    }
  }

  /** Compares the tiles that are not full. @throws {ExportFaultFound} as {@link add} */
  async finish(): Promise<void> {
    for (const [level, { hashes }] of this.#levels.entries()) if (hashes.length > 0) await this.#compare(level)
  }

  async #compare(number: number): Promise<void> {
    const level = this.#level(number)
    const tile = { kind: 'tile', level: number, index: level.index, width: level.hashes.length } as const
    const { bytes, isExact } = await this.#reader.readFile(tile)
    const found = isExact ? bytes : bytes.subarray(0, tile.width * hashBytes)
    if (!bytesEqual(found, Buffer.concat(level.hashes))) {
      const index = tile.index * tileWidth ** (number + 1)
      throw new ExportFaultFound({ cause: 'tile-mismatch', file: logFilePath(tile), index })
    }
    level.hashes = []
    level.index++
  }

  #level(number: number): { hashes: Uint8Array[]; index: number } {
    this.#levels[number] ??= { hashes: [], index: 0 }
    return this.#levels[number]
  }
}
