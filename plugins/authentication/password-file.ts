import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { AuthenticationError } from './errors.ts'
import { type PasswordHash, parsePasswordHash } from './password-hash.ts'

/** A password file, decoded: who may log in. */
export interface PasswordFile {
  readonly users: ReadonlyMap<string, PasswordHash>
  /** One line each, with file and line number and without any of the line's text; the first hundred. */
  readonly warnings: readonly string[]
}

/** Longer files are refused: about 300,000 users. */
export const maxPasswordFileBytes = 64 * 1024 * 1024
/** User name and hash of 65535 bytes, Mosquitto's limit, and what may stand around them. */
const maxLineBytes = 2 * 65_535 + 1024
const maxWarnings = 100
const newline = 0x0a

/** A line of a password file: a user with what stands behind the name, a line to skip, or one that is wrong. */
export type PasswordLine =
  | { readonly kind: 'user'; readonly username: string; readonly secret: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly why: string }

// U+FEFF in front belongs to the name, as in Mosquitto, where such a user cannot log in (run).
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Takes a line apart as Mosquitto does (2.0.11, run): `#` counts in the first column only, lines without a colon are
 * skipped, colons in front are passed over, the hash ends at the next colon, blanks around either are dropped.
 * @param bytes the line without its newline
 */
export function splitPasswordLine(bytes: Uint8Array): PasswordLine {
  if (bytes.length > maxLineBytes) return { kind: 'bad', why: `the line is longer than ${maxLineBytes} bytes` }
  if (bytes[0] === 0x23 || !bytes.includes(0x3a)) return { kind: 'none' }
  if (bytes.includes(0)) return { kind: 'bad', why: 'the line holds a zero byte' }
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { kind: 'bad', why: 'the line is not UTF-8' }
  }
  const [username, secret] = text.split(':').filter((part) => part !== '')
  if (username === undefined) return { kind: 'none' }
  const trimmed = { username: trimBlanks(username), secret: trimBlanks(secret ?? '') }
  if (trimmed.secret === '') return { kind: 'bad', why: 'there is no hash behind the user name' }
  if (Buffer.byteLength(trimmed.username) > 65_535) return { kind: 'bad', why: 'the user name is too long' }
  return { kind: 'user', ...trimmed }
}

/** The lines of a file, without their newlines, numbered from 1. What follows the last newline counts when not empty. */
export function* linesOf(bytes: Uint8Array): Generator<readonly [number: number, line: Uint8Array]> {
  for (let start = 0, number = 1; start < bytes.length; number++) {
    const found = bytes.indexOf(newline, start)
    const end = found < 0 ? bytes.length : found
    yield [number, bytes.subarray(start, end)]
    start = end + 1
  }
}

/**
 * Decodes a password file. Never throws: a bad line costs its user the login, with a warning, as in Mosquitto 2.0. Of
 * several good lines for one user the last counts (run).
 * @param name of the file, for the warnings
 */
export function parsePasswordFile(bytes: Uint8Array, name: string): PasswordFile {
  const users = new Map<string, PasswordHash>()
  const warnings: string[] = []
  let unsaid = 0
  const warn = (number: number, why: string) => {
    if (warnings.length < maxWarnings) warnings.push(`${name}:${number}: ${why}; the user cannot log in`)
    else unsaid++
  }
  for (const [number, bytesOfLine] of linesOf(bytes)) {
    const line = splitPasswordLine(bytesOfLine)
    if (line.kind === 'bad') warn(number, line.why)
    if (line.kind !== 'user') continue
    try {
      users.set(line.username, parsePasswordHash(line.secret))
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error
      warn(number, error.message)
    }
  }
  if (unsaid > 0) warnings.push(`${name}: ${unsaid} more lines like these`)
  return { users, warnings }
}

/** Reads and decodes a password file. @throws {AuthenticationError} ERR_PASSWORD_FILE */
export function readPasswordFile(path: string): PasswordFile {
  return parsePasswordFile(readPasswordFileBytes(path), path)
}

/** @throws {AuthenticationError} ERR_PASSWORD_FILE */
export function readPasswordFileBytes(path: string): Uint8Array {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, 'r')
    const status = fstatSync(descriptor)
    // Mosquitto reads a directory for ever (run), a pipe until somebody closes it.
    if (!status.isFile()) throw new AuthenticationError('ERR_PASSWORD_FILE', `${path} is not a file`)
    if (status.size > maxPasswordFileBytes) {
      throw new AuthenticationError('ERR_PASSWORD_FILE', `${path} is larger than ${maxPasswordFileBytes} bytes`)
    }
    return readWhole(descriptor, status.size)
  } catch (cause) {
    if (cause instanceof AuthenticationError) throw cause
    throw new AuthenticationError('ERR_PASSWORD_FILE', `cannot read ${path}: ${systemMessage(cause)}`, {}, cause)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** What the system calls the failure, without the path, which the caller names. */
export function systemMessage(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** A file that grows meanwhile is read as far as it was when it was opened. */
function readWhole(descriptor: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let length = 0
  while (length < size) {
    const read = readSync(descriptor, bytes, length, size - length, length)
    if (read === 0) break
    length += read
  }
  return bytes.subarray(0, length)
}

/** Blanks of C's locale; `trim` would take more, U+FEFF for one. */
const trimBlanks = (text: string) => text.replace(/^[ \t\n\v\f\r]+/, '').replace(/[ \t\n\v\f\r]+$/, '')
