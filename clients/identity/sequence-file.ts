import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { ClientError } from '../errors.ts'

/**
 * Takes the next sequence number of a key from `<KEY>.seq`, and makes sure that nobody gets it again: reserved under a
 * lock and on disk before it is used. A crash leaves a gap, never a repetition.
 * @throws {ClientError} ERR_SEQUENCE_FILE
 */
export function reserveSequenceNumber(keyPath: string): number {
  const path = `${keyPath}.seq`
  const unlock = lock(`${path}.lock`)
  try {
    const seq = read(path)
    const temporary = `${path}.new`
    const file = openSync(temporary, 'w', 0o600)
    try {
      writeSync(file, `${seq + 1}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    return seq
  } finally {
    unlock()
  }
}

/** The number to use next; 1 for a new key. */
function read(path: string): number {
  if (!existsSync(path)) return 1
  const text = readFileSync(path, 'utf8').trim()
  const seq = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(seq + 1)) {
    throw new ClientError('ERR_SEQUENCE_FILE', `${path} does not hold a sequence number`)
  }
  return seq
}

const attempts = 200
const pauseMs = 10

function lock(path: string): () => void {
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o600)
      writeSync(file, `${process.pid}\n`)
      closeSync(file)
      return () => unlinkSync(path)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new ClientError('ERR_SEQUENCE_FILE', `cannot lock ${path}`, {}, cause)
      }
    }
    pause(pauseMs)
  }
  throw new ClientError('ERR_SEQUENCE_FILE', `${path} is held by another process; remove it if that one crashed`)
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
