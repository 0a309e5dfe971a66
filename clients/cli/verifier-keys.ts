import { existsSync, readFileSync, statSync } from 'node:fs'
import { nobleCrypto, parseVerifierKey } from '../../protocol/index.ts'
import { usageError } from './command.ts'

const maxFileBytes = 64 * 1024

/**
 * What `--vkey` was given: each a verifier key (C2SP signed-note), or a file with one a line.
 * @throws {ClientError} ERR_USAGE: a file that cannot be read @throws {NoteError} ERR_NOTE_KEY_INVALID
 */
export function readVkeys(given: readonly string[]): readonly string[] {
  const vkeys = given.flatMap((one) => (existsSync(one) ? linesOf(one) : [one]))
  for (const vkey of vkeys) parseVerifierKey(vkey, nobleCrypto)
  return vkeys
}

function linesOf(path: string): string[] {
  const size = statSync(path).size
  if (size > maxFileBytes) throw usageError(`${path} is too large for a file of verifier keys`)
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}
