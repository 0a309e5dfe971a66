import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromHex } from '../../protocol/index.ts'

const vectorsFolder = fileURLToPath(new URL('../vectors/', import.meta.url))
const repositoryFolder = fileURLToPath(new URL('../../', import.meta.url))

/** Names of the JSON files in one folder below `test/vectors/`, sorted. */
export function vectorFiles(folder: string): string[] {
  return readdirSync(join(vectorsFolder, folder))
    .filter((name) => name.endsWith('.json'))
    .sort()
}

/** The text of one file below `test/vectors/`. */
export function vectorText(path: string): string {
  return readFileSync(join(vectorsFolder, path), 'utf8')
}

/** One JSON file below `test/vectors/`, in the shape that the caller knows it to have. */
export function readVectors<T>(path: string): T {
  return JSON.parse(vectorText(path)) as T
}

/** JSON whose integers are given as decimal strings, since some lie beyond 2^53. Only for values, never inside text. */
export function readVectorsWithBigIntegers<T>(path: string): T {
  return JSON.parse(vectorText(path).replace(/":(-?\d+)(?=[,}])/g, '":"$1"')) as T
}

/** The text of one file of the repository. */
export function repositoryText(path: string): string {
  return readFileSync(join(repositoryFolder, path), 'utf8')
}

/** Hexadecimal with blanks, line ends and `#` comments between the digits: how examples are written for people. */
export function hex(annotated: string): Uint8Array {
  return fromHex(annotated.replace(/#.*$/gm, '').replace(/\s+/g, ''))
}

export function base64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
