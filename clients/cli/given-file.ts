import { readFileSync } from 'node:fs'
import { usageError } from './command.ts'

/** Reads a file that the command line names. @throws {ClientError} ERR_USAGE */
export function readGivenFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw usageError(`cannot read ${path}`, cause)
  }
}
