import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { ClientError } from '../errors.ts'
import { parseCounter } from './key-store.ts'

/** Replaces a file as a whole; durable when it returns. Nobody else may replace it meanwhile. */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = `${path}.new`
  const file = openSync(temporary, 'w', mode)
  try {
    if (typeof content === 'string') writeSync(file, content)
    else writeSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
  // Else a power cut may bring the old name back.
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** @returns undefined when there is no such file */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

/** @param absent what a file that is not there counts as @throws {ClientError} ERR_SEQUENCE_FILE */
export function readCounterFile(path: string, absent: number): number {
  const text = readIfThere(path)?.toString('utf8').trim()
  const value = text === undefined ? absent : parseCounter(text)
  if (value === undefined) throw new ClientError('ERR_SEQUENCE_FILE', `${path} does not hold a sequence number`)
  return value
}

/** Durable when it returns. The caller holds the lock. */
export function writeCounterFile(path: string, value: number): void {
  replaceFile(path, `${value}\n`)
}
