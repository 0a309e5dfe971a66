import { rmSync, writeFileSync } from 'node:fs'
import { BrokerError } from '../errors.ts'

/**
 * Writes the process id (`pid_file`).
 * @returns removes the file
 * @throws {BrokerError} ERR_PID_FILE
 */
export function writePidFile(path: string): () => void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (cause) {
    throw new BrokerError('ERR_PID_FILE', `cannot write ${path}: ${(cause as NodeJS.ErrnoException).code}`, {}, cause)
  }
  return () => rmSync(path, { force: true })
}
