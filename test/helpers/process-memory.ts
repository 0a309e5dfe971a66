import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** Memory is read in pieces of this many bytes, which overlap by the longest of what is searched for. */
const pieceBytes = 16 * 1024 * 1024

/** What of `needles`, by name, stands in the files of a directory and of those below. */
export function foundInDirectory(directory: string, needles: ReadonlyMap<string, Uint8Array>): Set<string> {
  const found = new Set<string>()
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) look(readFileSync(join(entry.parentPath, entry.name)), needles, found)
  }
  return found
}

/**
 * What of `needles`, by name, stands in the writable memory of a process (Linux). That is more than a heap snapshot has,
 * which leaves out what buffers hold.
 */
export function foundInMemory(pid: number, needles: ReadonlyMap<string, Uint8Array>): Set<string> {
  const overlap = Math.max(...[...needles.values()].map((needle) => needle.length))
  const found = new Set<string>()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const piece = Buffer.alloc(pieceBytes)
  try {
    for (const [start, end] of writableRegions(pid)) {
      for (let at = start; at < end; at += BigInt(pieceBytes - overlap)) {
        const wanted = end - at < BigInt(pieceBytes) ? Number(end - at) : pieceBytes
        look(piece.subarray(0, readable(memory, piece, wanted, at)), needles, found)
      }
    }
  } finally {
    closeSync(memory)
  }
  return found
}

function writableRegions(pid: number): (readonly [bigint, bigint])[] {
  return [...readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm)].map(
    ([, start, end]) => [BigInt(`0x${start}`), BigInt(`0x${end}`)] as const,
  )
}

/** @returns 0 for what the process gave back between listing and reading */
function readable(file: number, piece: Buffer, bytes: number, at: bigint): number {
  try {
    return readSync(file, piece, 0, bytes, at)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return 0
    throw error
  }
}

function look(bytes: Buffer, needles: ReadonlyMap<string, Uint8Array>, found: Set<string>): void {
  for (const [name, needle] of needles) if (!found.has(name) && bytes.indexOf(needle) !== -1) found.add(name)
}
