import {
  bundleKinds,
  bytesEqual,
  ed25519NoteVerifier,
  encodeItems,
  encodeRecordItem,
  frontierFromTiles,
  hashesAtLevel,
  type LogFile,
  logFilePath,
  type OpenedCheckpoint,
  openCheckpoint,
  parseVerifierKey,
  type TileSource,
  tileIn,
  tilesOf,
  tileWidth,
} from '../../protocol/index.ts'
import { type BlockSource, blocksBetween, damaged } from '../audit-chain/index.ts'
import { type Standing, standingTo } from '../checkpoints/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { briskPace } from '../pace.ts'
import { ExportDirectory, type FileInParts } from './export-directory.ts'

/** What is exported. */
export interface ExportSource {
  readonly store: BlockSource
  readonly tiles: TileSource
  /** Public keys by name of the file: `broker.pub.pem`, `log.vkey`, and those before them. */
  readonly keys: ReadonlyMap<string, string>
}

export interface ExportOptions {
  /** Ends it early; what the export held stays valid, and the next one begins there again. */
  readonly signal?: AbortSignal
  /** Called after each bundle with the number of records that are done. */
  readonly onProgress?: (records: number) => void
}

/** What an export did. */
export interface ExportResult {
  /** Records that were there before. */
  readonly from: number
  /** Records that are there now. */
  readonly to: number
}

/**
 * Brings an export up to a checkpoint: writes what is new, syncs it, and replaces the checkpoint at the end. Whenever it
 * is interrupted, the export is the one of the checkpoint that it has. Partial files are kept for the two newest.
 * @param note a signed checkpoint of this chain, of a size that ends with a block
 * @throws {PluginError} ERR_EXPORT_DIRECTORY, ERR_EXPORT_CONFLICT; ERR_CHAIN_DAMAGED: the chain does not lead to the note
 * @throws {NoteError} ERR_NOTE_*, ERR_CHECKPOINT_MALFORMED: the note is not one of this log
 */
export async function exportLog(
  source: ExportSource,
  note: string,
  path: string,
  options: ExportOptions = {},
): Promise<ExportResult> {
  const verifiers = [...source.keys]
    .filter(([name]) => name.startsWith('log.vkey'))
    .map(([, vkey]) => ed25519NoteVerifier(parseVerifierKey(vkey.trim(), nativeCrypto), nativeCrypto))
  const open = (text: Uint8Array | string) => openCheckpoint(text, verifiers)
  const checkpoint = open(note)
  const to = sizeOf(checkpoint)
  const tree = await frontierFromTiles(to, source.tiles, nativeCrypto)
  if (!bytesEqual(tree.root(), checkpoint.checkpoint.rootHash)) throw damaged('it does not lead to its checkpoint')
  const directory = new ExportDirectory(path)
  await directory.open(checkpoint.checkpoint.origin)
  const known = await directory.readSmall('checkpoint')
  const from = known === undefined ? 0 : await sizeWithin(open(known), to, source.tiles)
  if (known !== undefined && Buffer.from(known).toString() === note) return { from, to }
  if (to > from) {
    for (const tile of tilesOf(to, from)) {
      const hashes = (await source.tiles(tile)).first(tile.width)
      await directory.write(logFilePath({ kind: 'tile', ...tile }), hashes)
    }
    await writeBundles(source.store, directory, from, to, options)
  }
  for (const [name, text] of source.keys) await directory.write(`keys/${name}`, text)
  await directory.sync()
  const before = await directory.readSmall('checkpoint.previous')
  if (before !== undefined && to > from) await forget(directory, sizeOf(open(before)), [from, to])
  if (known !== undefined && to > from) await directory.replace('checkpoint.previous', known)
  await directory.replace('checkpoint', note)
  return { from, to }
}

function sizeOf({ checkpoint: { treeSize } }: OpenedCheckpoint): number {
  return Number(treeSize)
}

/** Size of the tree that the export has. @throws {PluginError} ERR_EXPORT_CONFLICT: the chain does not extend it */
async function sizeWithin({ checkpoint }: OpenedCheckpoint, to: number, tiles: TileSource): Promise<number> {
  const standing: Standing = await standingTo(checkpoint, to, tiles, nativeCrypto)
  if (standing === 'identical' || standing === 'extended') return Number(checkpoint.treeSize)
  const why = standing === 'forked' ? 'it has another tree of that size' : `it has ${to}`
  const what = `the export holds ${checkpoint.treeSize} records that the chain does not extend: ${why}`
  throw new PluginError('ERR_EXPORT_CONFLICT', what, { standing })
}

/** Entries, headers and records of every bundle that has something new. */
async function writeBundles(
  store: ExportSource['store'],
  directory: ExportDirectory,
  from: number,
  to: number,
  { signal, onProgress }: ExportOptions,
): Promise<void> {
  let bundle: BundleWriter | undefined
  const start = from - (from % tileWidth)
  const pace = briskPace()
  try {
    for await (const { header, signed, entries } of blocksBetween(store, { from: start, to: to - 1 }, 'asc')) {
      for (let i = Math.max(0, start - header.firstIndex); i < entries.length; i++) {
        const index = header.firstIndex + i
        bundle ??= await BundleWriter.begin(directory, Math.floor(index / tileWidth), to)
        if (i === 0) bundle.headers.push(signed)
        const entry = entries[i] as (typeof entries)[number]
        bundle.leaves.push(entry.leaf)
        await bundle.records.add(encodeRecordItem(entry))
        if (pace.isTired) await pace.rest()
        if (bundle.leaves.length < bundle.width) continue
        await bundle.finish()
        bundle = undefined
        onProgress?.(index + 1)
        signal?.throwIfAborted()
      }
    }
  } catch (error) {
    await bundle?.records.abandon()
    throw error
  }
}

/** The three files of one bundle while it is filled. */
class BundleWriter {
  readonly width: number
  readonly leaves: Uint8Array[] = []
  readonly headers: Uint8Array[] = []
  /** Bodies may be large: they go to the disk as they come. */
  readonly records: FileInParts
  readonly #directory: ExportDirectory
  readonly #index: number

  private constructor(directory: ExportDirectory, index: number, width: number, records: FileInParts) {
    this.#directory = directory
    this.#index = index
    this.width = width
    this.records = records
  }

  static async begin(directory: ExportDirectory, index: number, treeSize: number): Promise<BundleWriter> {
    const { width } = tileIn(treeSize, { level: 0, index })
    const records = await directory.begin(logFilePath({ kind: 'records', index, width }))
    return new BundleWriter(directory, index, width, records)
  }

  async finish(): Promise<void> {
    await this.records.finish()
    for (const [kind, items] of [['entries', this.leaves] as const, ['headers', this.headers] as const]) {
      const path = logFilePath({ kind, index: this.#index, width: this.width })
      await this.#directory.write(path, encodeItems(items))
    }
  }
}

/** Removes the partial files of an older tree, but for those that newer ones have too. */
async function forget(directory: ExportDirectory, size: number, kept: readonly number[]): Promise<void> {
  const keep = new Set(kept.flatMap((one) => partialFilesOf(one).map(logFilePath)))
  for (const path of partialFilesOf(size).map(logFilePath)) if (!keep.has(path)) await directory.removePartial(path)
}

/** The files at the right edge of a tree: a partial tile a level, and the bundles of the lowest. */
function partialFilesOf(treeSize: number): LogFile[] {
  const files: LogFile[] = []
  for (let level = 0; hashesAtLevel(treeSize, level) > 0; level++) {
    const hashes = hashesAtLevel(treeSize, level)
    const [index, width] = [Math.floor(hashes / tileWidth), hashes % tileWidth]
    if (width === 0) continue
    files.push({ kind: 'tile', level, index, width })
    if (level === 0) files.push(...bundleKinds.map((kind) => ({ kind, index, width })))
  }
  return files
}
