import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeCrypto } from '../../plugins/index.ts'
import { entriesPath, leafHash, type Tile, tilePath } from '../../protocol/index.ts'
import { base64 } from './vectors.ts'

const folder = fileURLToPath(new URL('../vectors/tessera-log/', import.meta.url))

/** A tile of the log of Tessera, as it lies there under the path that we give it. */
export function readTesseraTile(tile: Tile): Uint8Array {
  return readFileSync(join(folder, tilePath(tile)))
}

/** Hashes of the first entries of the log: each is its length (2 bytes, big-endian) and its bytes. */
export function readTesseraLeafHashes(size: number): Uint8Array[] {
  const bundle = readFileSync(join(folder, entriesPath({ index: 0, width: size })))
  const hashes: Uint8Array[] = []
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 + bundle.readUInt16BE(at)
    hashes.push(leafHash(bundle.subarray(at + 2, end), nativeCrypto))
    at = end
  }
  return hashes
}

/** What a checkpoint of the log says; its signature is not looked at. */
export function readTesseraCheckpoint(size: number): { readonly size: number; readonly rootHash: Uint8Array } {
  const [, sizeLine = '', rootLine = ''] = readFileSync(join(folder, `checkpoint.${size}`), 'utf8').split('\n')
  return { size: Number(sizeLine), rootHash: base64(rootLine) }
}
