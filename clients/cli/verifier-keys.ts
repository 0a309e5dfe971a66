import { existsSync, readFileSync, statSync } from 'node:fs'
import { NoteError, nobleCrypto, noteKeyType, parseVerifierKey, type VerifierKey } from '../../protocol/index.ts'
import { usageError } from './command.ts'

const maxFileBytes = 64 * 1024

/**
 * What `--vkey` was given: each the verifier key of a log (C2SP signed-note, Ed25519), or a file with one a line.
 * @throws {ClientError} ERR_USAGE
 */
export function readVkeys(given: readonly string[]): readonly string[] {
  const vkeys = given.flatMap((one) => (existsSync(one) ? linesOf(one) : [one]))
  for (const vkey of vkeys) parseLogKey(vkey)
  return vkeys
}

/** The same where one key is taken. @throws {ClientError} ERR_USAGE */
export function readLogKey(given: string): VerifierKey {
  const [vkey, ...others] = readVkeys([given])
  if (vkey === undefined || others.length > 0) throw usageError(`${given} does not hold one verifier key`)
  return parseLogKey(vkey)
}

function parseLogKey(vkey: string): VerifierKey {
  try {
    const key = parseVerifierKey(vkey, nobleCrypto)
    if (key.type === noteKeyType.ed25519) return key
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
  }
  throw usageError(`${vkey} is not the verifier key of a log, nor a file that holds it`)
}

function linesOf(path: string): string[] {
  const stats = statSync(path)
  if (!stats.isFile()) throw usageError(`${path} is not a file of verifier keys`)
  if (stats.size > maxFileBytes) throw usageError(`${path} is too large for a file of verifier keys`)
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.map((line) => line.trim()).filter((line) => line !== '')
}
