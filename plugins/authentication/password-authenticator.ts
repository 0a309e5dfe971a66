import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type PasswordDerivation, ThreadedDerivation } from './derivation.ts'
import { AuthenticationError } from './errors.ts'
import { LoginMemory } from './login-memory.ts'
import type { PasswordFile } from './password-file.ts'
import { formatPasswordHash, type PasswordHash } from './password-hash.ts'
import { WorkLimiter } from './work-limiter.ts'

export interface PasswordAuthenticatorOptions {
  /** Passwords checked at once. Default 2, which leaves half of Node's thread pool to signatures and the store. */
  readonly concurrency?: number
  /** Logins that wait for their turn; beyond it they are refused. Default 1000. */
  readonly maxWaiting?: number
  /** Users whose last right password is recognised without deriving it again. Default 10000; 0 turns it off. */
  readonly maxRemembered?: number
  /** How passwords are derived; closed with the authenticator. Default: on threads. */
  readonly derivation?: PasswordDerivation
}

/**
 * Checks passwords against a password file, off the main thread. A user who is not in the file costs the same work as
 * most who are; one whose hash has another cost than most can still be told from one who does not exist.
 */
export class PasswordAuthenticator {
  #file: PasswordFile
  #decoy: PasswordHash | undefined
  #isClosed = false
  readonly #derivation: PasswordDerivation
  readonly #work: WorkLimiter
  readonly #memory: LoginMemory

  constructor(file: PasswordFile, options: PasswordAuthenticatorOptions = {}) {
    this.#file = file
    this.#decoy = decoyOf(file)
    this.#derivation = options.derivation ?? new ThreadedDerivation()
    this.#work = new WorkLimiter(options.concurrency ?? 2, options.maxWaiting ?? 1000)
    this.#memory = new LoginMemory(options.maxRemembered ?? 10_000)
  }

  /**
   * Whether this is the user's password. The answer holds for the file in force when it comes.
   * @param password `undefined` when the client sent none, which is never right
   * @throws {AuthenticationError} ERR_AUTHENTICATION_BUSY, ERR_AUTHENTICATION_CLOSED, ERR_AUTHENTICATION_FAILED: refuse
   */
  async verify(username: string, password: Uint8Array | undefined): Promise<boolean> {
    this.#assertOpen()
    if (password === undefined) return false
    if (this.#memory.knows(username, password)) return true
    return this.#work.run(async () => {
      for (;;) {
        const file = this.#file
        const known = file.users.get(username)
        const stored = known ?? this.#decoy
        // Nobody can log in: there is no user to tell from another.
        if (stored === undefined) return false
        const isEqual = timingSafeEqual(await this.#derivation.derive(stored, password), stored.hash)
        this.#assertOpen()
        // A user who was removed meanwhile must not slip in.
        if (file !== this.#file) continue
        const isRight = isEqual && known !== undefined
        if (isRight) this.#memory.add(username, password)
        return isRight
      }
    })
  }

  /**
   * Names the record a user logs in with now, without telling anything of it; `undefined` when there is none. A login
   * still holds after `replace` when this is what it was at the login.
   */
  recordOf(username: string): string | undefined {
    const stored = this.#file.users.get(username)
    return stored && createHash('sha256').update(formatPasswordHash(stored)).digest('base64url')
  }

  /** Takes another file from here on. Logins on their way are decided by the new one. */
  replace(file: PasswordFile): void {
    this.#file = file
    this.#decoy = decoyOf(file)
    this.#memory.clear()
  }

  /** Refuses whoever waits, and is done when nothing runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#memory.clear()
    await Promise.all([this.#work.close(), this.#derivation.close()])
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new AuthenticationError('ERR_AUTHENTICATION_CLOSED', 'authentication is closed')
  }
}

/** A hash that no password has, of the cost that most users' hashes have; of two costs the one named first. */
function decoyOf(file: PasswordFile): PasswordHash | undefined {
  const counts = new Map<string, { count: number; readonly like: PasswordHash }>()
  for (const like of file.users.values()) {
    const { salt, hash, ...cost } = like
    const key = JSON.stringify([cost, salt.length, hash.length])
    const known = counts.get(key)
    if (known === undefined) counts.set(key, { count: 1, like })
    else known.count++
  }
  let commonest: { readonly count: number; readonly like: PasswordHash } | undefined
  for (const one of counts.values()) {
    if (commonest === undefined || one.count > commonest.count) commonest = one
  }
  if (commonest === undefined) return undefined
  const { like } = commonest
  return { ...like, salt: randomBytes(like.salt.length), hash: randomBytes(like.hash.length) }
}
