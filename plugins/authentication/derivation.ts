import { createHash, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { Argon2Thread } from './argon2-thread.ts'
import { AuthenticationError } from './errors.ts'
import { type PasswordHash, type PasswordHashKind, sha512Bytes } from './password-hash.ts'

/** Turns a password into the bytes to compare with a stored hash, at that hash's cost. */
export interface PasswordDerivation {
  /** @returns as many bytes as `like.hash` has; only its kind, cost, salt and length count */
  derive(like: PasswordHash, password: Uint8Array): Promise<Uint8Array>
  close(): Promise<void>
}

const pbkdf2OnPool = promisify(pbkdf2)

/**
 * Derives off the main thread: PBKDF2 on Node's thread pool, argon2id, which Node 20 does not have, on a thread of its
 * own, one at a time. A single SHA-512 is not worth the way.
 */
export class ThreadedDerivation implements PasswordDerivation {
  readonly #argon2 = new Argon2Thread()

  async derive(like: PasswordHash, password: Uint8Array): Promise<Uint8Array> {
    if (like.kind === 'sha512') return createHash('sha512').update(password).update(like.salt).digest()
    if (like.kind === 'sha512-pbkdf2') {
      return pbkdf2OnPool(password, like.salt, like.iterations, like.hash.length, 'sha512')
    }
    const cost = { m: like.memoryKib, t: like.passes, p: like.lanes, dkLen: like.hash.length }
    return this.#argon2.derive(password, like.salt, cost)
  }

  /** Ends the thread; whoever waits for it gets ERR_AUTHENTICATION_CLOSED. */
  close(): Promise<void> {
    return this.#argon2.close()
  }
}

/**
 * About 0.16 s of one core of a small server: a thousand times what Mosquitto 2.0 writes, and still a dozen first
 * logins a second after a restart. Mosquitto reads any number (run).
 */
export const defaultIterations = 100_000

/** Bytes of salt: the only length that both Mosquitto 2.0 and 2.1 read (run, source). */
const saltBytes = 12

/** A salt and no hash yet: the cost of what we write ourselves. argon2id as Mosquitto 2.1 does. */
function blank(kind: PasswordHashKind, iterations: number): PasswordHash {
  const [salt, hash] = [new Uint8Array(randomBytes(saltBytes)), new Uint8Array(sha512Bytes)]
  if (kind === 'sha512') return { kind, salt, hash }
  if (kind === 'sha512-pbkdf2') return { kind, iterations, salt, hash }
  return { kind, memoryKib: 47_104, passes: 1, lanes: 1, salt: new Uint8Array(randomBytes(16)), hash }
}

/**
 * Hashes a new password with a new salt.
 * @param iterations of `sha512-pbkdf2`
 * @throws {AuthenticationError} ERR_PASSWORD_INVALID
 */
export async function createPasswordHash(
  password: Uint8Array,
  kind: PasswordHashKind,
  derivation: PasswordDerivation,
  iterations = defaultIterations,
): Promise<PasswordHash> {
  if (password.length === 0 || password.length > 65_535) {
    throw new AuthenticationError('ERR_PASSWORD_INVALID', 'a password has 1 to 65535 bytes')
  }
  const like = blank(kind, iterations)
  return { ...like, hash: await derivation.derive(like, password) }
}
