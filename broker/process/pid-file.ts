import { rmSync, writeFileSync } from 'node:fs'
import { describe } from '../describe.ts'
import { BrokerError } from '../errors.ts'

/**
 * Writes the process id (`pid_file`).
 * @param onError told when the file cannot be removed: its directory may be closed to whoever may write the file
 * @returns removes the file
 * @throws {BrokerError} ERR_PID_FILE
 */
export function writePidFile(path: string, onError: (message: string) => void): () => void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (cause) {
    throw new BrokerError('ERR_PID_FILE', `cannot write ${path}: ${(cause as NodeJS.ErrnoException).code}`, {}, cause)
  }
  return () => {
    try {
      rmSync(path, { force: true })
    } catch (error) {
      onError(`Warning: the pid file stays: ${describe(error)}`)
    }
  }
}
