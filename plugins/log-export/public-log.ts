import { encodeItems, type LogFile, type TileSource, tileIn, tileWidth } from '../../protocol/index.ts'
import { type BlockSource, blocksBetween } from '../audit-chain/index.ts'
import type { CheckpointKeeper } from '../checkpoints/index.ts'
import { briskPace } from '../pace.ts'

export interface PublicLogOptions {
  readonly store: BlockSource
  readonly tiles: TileSource
  readonly checkpoints: Pick<CheckpointKeeper, 'newest'>
}

/** Bundles kept in memory: 12 kB each of entries; of headers, where every block has one record, 60 kB. */
const maxBundles = 256

/**
 * The files of a log as anybody may have them: checkpoint, tiles, leaves and headers, straight from the store. Nothing
 * that it gives says what was published; records and bodies it does not have.
 */
export class PublicLog {
  readonly #options: PublicLogOptions
  /** Full bundles by kind and index; those used last are at the end. */
  readonly #bundles = new Map<string, Uint8Array>()
  #reading: Promise<unknown> = Promise.resolve()

  constructor(options: PublicLogOptions) {
    this.#options = options
  }

  /**
   * @returns undefined when the newest published tree has no such file
   * @throws {PluginError} ERR_CHAIN_DAMAGED @throws {ProtocolError} a block is malformed
   */
  async read(file: LogFile): Promise<Uint8Array | undefined> {
    const newest = this.#options.checkpoints.newest
    if (newest === undefined) return undefined
    if (file.kind === 'checkpoint') return Buffer.from(newest.note)
    const { kind, index, width } = file
    if (kind === 'records') return undefined
    const level = kind === 'tile' ? file.level : 0
    if (tileIn(newest.treeSize, { level, index }).width < width) return undefined
    if (kind === 'tile') return (await this.#options.tiles(file)).first(width)
    // One at a time: for a few leaves blocks are read whole, and strangers ask.
    const read = this.#reading.then(() => this.#bundle(kind, index, width))
    this.#reading = read.catch(() => {
      // Told to whoever asked for this one; the next has its own chance.
    })
    return read
  }

  async #bundle(kind: 'entries' | 'headers', index: number, width: number): Promise<Uint8Array> {
    const name = `${kind}/${index}`
    const known = this.#bundles.get(name)
    if (known !== undefined && width === tileWidth) {
      this.#keep(name, known)
      return known
    }
    const start = index * tileWidth
    const end = start + width
    const items: Uint8Array[] = []
    const pace = briskPace()
    const range = { from: start, to: end - 1 }
    for await (const { header, signed, entries } of blocksBetween(this.#options.store, range, 'asc')) {
      if (pace.isTired) await pace.rest()
      if (kind === 'headers') {
        if (header.firstIndex >= start) items.push(signed)
        continue
      }
      const within = entries.slice(Math.max(0, start - header.firstIndex), end - header.firstIndex)
      items.push(...within.map(({ leaf }) => leaf))
    }
    const bundle = encodeItems(items)
    if (width === tileWidth) this.#keep(name, bundle)
    return bundle
  }

  #keep(name: string, bundle: Uint8Array): void {
    this.#bundles.delete(name)
    this.#bundles.set(name, bundle)
    const [longestUnused] = this.#bundles.keys()
    if (this.#bundles.size > maxBundles && longestUnused !== undefined) this.#bundles.delete(longestUnused)
  }
}
