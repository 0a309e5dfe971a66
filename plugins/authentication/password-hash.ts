import { AuthenticationError } from './errors.ts'

/** What stands behind a user's name in a password file, decoded. */
export type PasswordHash = Sha512Hash | Pbkdf2Hash | Argon2idHash
export type PasswordHashKind = PasswordHash['kind']

/** `$6$<salt>$<hash>`: SHA-512 of password and salt, Mosquitto's until 1.6. */
export interface Sha512Hash {
  readonly kind: 'sha512'
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** `$7$<iterations>$<salt>$<hash>`: PBKDF2 with HMAC-SHA-512, Mosquitto's since 2.0. */
export interface Pbkdf2Hash {
  readonly kind: 'sha512-pbkdf2'
  readonly iterations: number
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** `$argon2id$v=19$m=,t=,p=$<salt>$<hash>` (RFC 9106), Mosquitto's since 2.1 where it is built with it. */
export interface Argon2idHash {
  readonly kind: 'argon2id'
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** About 16 s of one core: more is a slip of the pen, and every guess would cost as much. */
export const maxIterations = 10_000_000

/** Bounds of argon2id: one login takes this much memory at most, and four passes over it. */
const maxMemoryKib = 256 * 1024
const maxBlocksFilled = 4 * maxMemoryKib
const maxLanes = 16

/** Hash of `$6$` and `$7$`, in bytes; the only length that Mosquitto reads (run). */
export const sha512Bytes = 64
/** Salts of `$6$` and `$7$`, in bytes: 2.0 reads only the first (run), 2.1 writes the second. */
const saltLengths: readonly number[] = [12, 64]

const looksHashed = /^\$[0-9a-z]{1,32}\$/

/** Whether the text is meant as a hash of some kind, ours or not; anything else is a password in plain text. */
export function isHashed(text: string): boolean {
  return looksHashed.test(text)
}

/**
 * Decodes the hash of one user. Stricter than Mosquitto only where its tools never write: numbers are decimal digits
 * and nothing else, fields are neither empty nor more than there have to be.
 * @throws {AuthenticationError} ERR_PASSWORD_HASH, ERR_PASSWORD_NOT_HASHED; the message never holds the text
 */
export function parsePasswordHash(text: string): PasswordHash {
  if (!isHashed(text)) {
    const hint = 'a password in plain text, with which nobody can log in; see `notarymq passwd -U`'
    throw new AuthenticationError('ERR_PASSWORD_NOT_HASHED', hint)
  }
  const [, kind, ...fields] = text.split('$')
  if (kind === '6') return parseSha512(fields)
  if (kind === '7') return parsePbkdf2(fields)
  if (kind === 'argon2id') return parseArgon2id(fields)
  throw malformed('a hash of an unknown kind; $6$, $7$ and $argon2id$ are known')
}

/** The text that `parsePasswordHash` reads. */
export function formatPasswordHash(hash: PasswordHash): string {
  if (hash.kind === 'argon2id') {
    const cost = `m=${hash.memoryKib},t=${hash.passes},p=${hash.lanes}`
    return `$argon2id$v=19$${cost}$${unpadded(hash.salt)}$${unpadded(hash.hash)}`
  }
  const tail = `${base64(hash.salt)}$${base64(hash.hash)}`
  return hash.kind === 'sha512' ? `$6$${tail}` : `$7$${hash.iterations}$${tail}`
}

function parseSha512(fields: readonly string[]): Sha512Hash {
  const [salt, hash, ...rest] = fields
  if (salt === undefined || hash === undefined || rest.length > 0) throw malformed('$6$ needs salt and hash')
  return { kind: 'sha512', ...decodeSha512(salt, hash) }
}

function parsePbkdf2(fields: readonly string[]): Pbkdf2Hash {
  const [count, salt, hash, ...rest] = fields
  if (count === undefined || salt === undefined || hash === undefined || rest.length > 0) {
    throw malformed('$7$ needs iterations, salt and hash')
  }
  const iterations = decimal(count, maxIterations)
  if (iterations === undefined) throw malformed(`iterations are a number from 1 to ${maxIterations}`)
  return { kind: 'sha512-pbkdf2', iterations, ...decodeSha512(salt, hash) }
}

function decodeSha512(saltText: string, hashText: string) {
  const salt = decodeBase64(saltText)
  const hash = decodeBase64(hashText)
  if (salt === undefined || !saltLengths.includes(salt.length))
    throw malformed('the salt is not 12 or 64 bytes in base64')
  if (hash === undefined || hash.length !== sha512Bytes) throw malformed('the hash is not 64 bytes in base64')
  return { salt, hash }
}

function parseArgon2id(fields: readonly string[]): Argon2idHash {
  const [version, cost, saltText, hashText, ...rest] = fields
  const match = /^m=([0-9]+),t=([0-9]+),p=([0-9]+)$/.exec(cost ?? '')
  if (version !== 'v=19' || match === null || saltText === undefined || hashText === undefined || rest.length > 0) {
    throw malformed('$argon2id$ needs v=19, m=,t=,p=, salt and hash')
  }
  const [, m = '', t = '', p = ''] = match
  const [memoryKib, passes, lanes] = [decimal(m, maxMemoryKib), decimal(t, maxBlocksFilled), decimal(p, maxLanes)]
  if (memoryKib === undefined || passes === undefined || lanes === undefined) {
    throw malformed(`argon2id takes at most m=${maxMemoryKib} and p=${maxLanes}`)
  }
  // RFC 9106 section 3.1: at least eight blocks a lane.
  if (memoryKib < 8 * lanes || memoryKib * passes > maxBlocksFilled) {
    throw malformed(`argon2id takes m of at least 8 p, and m times t of at most ${maxBlocksFilled}`)
  }
  const salt = decodeUnpadded(saltText)
  const hash = decodeUnpadded(hashText)
  if (salt === undefined || salt.length < 8 || salt.length > 64) throw malformed('the salt is not 8 to 64 bytes')
  if (hash === undefined || hash.length < 16 || hash.length > 64) throw malformed('the hash is not 16 to 64 bytes')
  return { kind: 'argon2id', memoryKib, passes, lanes, salt, hash }
}

function decimal(text: string, most: number): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined
  const value = Number(text)
  return value >= 1 && value <= most ? value : undefined
}

/** Buffer skips what is no base64; only what it would write itself is taken. */
function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

/** As in PHC strings, where `=` stands between a cost and its number only. */
function decodeUnpadded(text: string): Uint8Array | undefined {
  return text.includes('=') ? undefined : decodeBase64(text + '='.repeat((4 - (text.length % 4)) % 4))
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const unpadded = (bytes: Uint8Array) => base64(bytes).replace(/=+$/, '')

const malformed = (message: string) => new AuthenticationError('ERR_PASSWORD_HASH', message)
