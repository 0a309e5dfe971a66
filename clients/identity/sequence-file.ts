import { reserveInFile } from '../key-store/file-key-store.ts'
import { withFileLockSync } from '../key-store/file-lock.ts'

/**
 * Takes the next sequence number of a key from `<KEY>.seq`, and makes sure that nobody gets it again: reserved under a
 * lock and on disk before it is used. A crash leaves a gap, never a repetition.
 * @throws {ClientError} ERR_SEQUENCE_FILE
 */
export function reserveSequenceNumber(keyPath: string): number {
  const path = `${keyPath}.seq`
  return withFileLockSync(`${path}.lock`, () => reserveInFile(path, 1))
}
