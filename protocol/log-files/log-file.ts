import { numberedPath, type Tile, tilePath, tileWidth } from '../merkle/tiles.ts'

/**
 * Files that hold something of 256 records each, as the tiles of level 0 do: `entries`, the leaves (C2SP tlog-tiles);
 * `headers`, the signed headers of the blocks that begin there; `records`, with salts and bodies.
 */
export const bundleKinds = ['entries', 'headers', 'records'] as const

/** A bundle of the records from `index * 256` on, `width` of them. */
export interface BundleFile {
  readonly kind: (typeof bundleKinds)[number]
  readonly index: number
  /** From 1 to 256; partial when fewer. */
  readonly width: number
}

/** A file of a log. */
export type LogFile = { readonly kind: 'checkpoint' } | ({ readonly kind: 'tile' } & Tile) | BundleFile

const folders: Readonly<Record<BundleFile['kind'], string>> = {
  entries: 'tile/entries',
  headers: 'headers',
  records: 'records',
}

/** Highest level that a tree of 2^64 leaves has tiles of (C2SP tlog-tiles). */
const maxLevel = 7

/** Where a file lies below the prefix of the log. */
export function logFilePath(file: LogFile): string {
  if (file.kind === 'checkpoint') return 'checkpoint'
  if (file.kind === 'tile') return tilePath(file)
  return `${folders[file.kind]}/${numberedPath(file.index, file.width)}`
}

/**
 * Inverse of {@link logFilePath}. The path is attacker-controlled: only numbers are taken out of it.
 * @returns undefined for every other path, other spellings of one that exists included
 */
export function parseLogFilePath(path: string): LogFile | undefined {
  if (path === 'checkpoint') return { kind: 'checkpoint' }
  const [, folder = '', number = '', partial] =
    /^([a-z0-9/]{1,12}?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path) ?? []
  const index = Number(number.replace(/[x/]/g, ''))
  const width = partial === undefined ? tileWidth : Number(partial)
  if (width < 1 || width > tileWidth || !Number.isSafeInteger(index * tileWidth)) return undefined
  const file = fileIn(folder, index, width)
  // Leading zeros, a partial one of 256 hashes: whatever we would write in another way is not a path.
  return file !== undefined && logFilePath(file) === path ? file : undefined
}

function fileIn(folder: string, index: number, width: number): LogFile | undefined {
  const kind = bundleKinds.find((one) => folders[one] === folder)
  if (kind !== undefined) return { kind, index, width }
  const [, digits] = /^tile\/(\d)$/.exec(folder) ?? []
  if (digits === undefined || Number(digits) > maxLevel) return undefined
  return { kind: 'tile', level: Number(digits), index, width }
}
