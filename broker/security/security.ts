import {
  AccessControl,
  type ClientAccess,
  PasswordAuthenticator,
  type PasswordFile,
  readAclFile,
  readPasswordFile,
} from '../../plugins/index.ts'
import type { SecurityOptions } from '../security-options.ts'
import type { Credentials, Login } from './login.ts'

/** Everything that comes from files. */
interface Loaded {
  readonly settings: SecurityOptions
  readonly passwords: PasswordFile | undefined
  readonly access: AccessControl | undefined
}

/**
 * Who may come in, and what they may do there. Nothing that is not allowed here is: a password file that cannot be read
 * lets nobody start, one that cannot be read again leaves the rules as they were.
 */
export class Security {
  #loaded: Loaded
  #authenticator: PasswordAuthenticator | undefined
  readonly #warn: (message: string) => void

  /** @throws {AuthenticationError} ERR_PASSWORD_FILE; {AccessControlError} ERR_ACL_FILE_* */
  constructor(settings: SecurityOptions, warn: (message: string) => void) {
    this.#warn = warn
    this.#loaded = load(settings, warn)
    const { passwords } = this.#loaded
    if (passwords !== undefined) this.#authenticator = new PasswordAuthenticator(passwords)
  }

  get settings(): SecurityOptions {
    return this.#loaded.settings
  }

  /** Whether names can be proved by password. */
  get hasPasswords(): boolean {
    return this.#loaded.passwords !== undefined
  }

  /**
   * Whether a client may come in.
   *
   * - a name from a certificate needs no password: the TLS handshake has proved it
   * - a username that is given must verify, also where anonymous clients are welcome
   * - without a password file a username is a claim, and counts as anonymous
   *
   * @returns undefined: no
   * @throws {AuthenticationError} ERR_AUTHENTICATION_*, which refuses
   */
  async authenticate({ username, password, certificateUsername }: Credentials): Promise<Login | undefined> {
    if (certificateUsername !== undefined) return { username: certificateUsername, auth: 'certificate' }
    const authenticator = this.#authenticator
    if (username === undefined || authenticator === undefined) {
      return this.settings.allowAnonymous ? { username, auth: 'none' } : undefined
    }
    if (!(await authenticator.verify(username, password))) return undefined
    return { username, auth: 'password', record: authenticator.recordOf(username) }
  }

  /** Whether a client that came in under earlier rules would come in now, as far as that can be told without its password. */
  holds({ username, auth, record }: Login): boolean {
    if (auth === 'certificate') return true
    if (auth === 'none') {
      const mustBeProved = username !== undefined && this.#authenticator !== undefined
      return this.settings.allowAnonymous && !mustBeProved
    }
    return username !== undefined && record !== undefined && this.#authenticator?.recordOf(username) === record
  }

  /** What a client may do; undefined: everything, as there is no list. */
  accessOf(clientId: string, username: string | undefined): ClientAccess | undefined {
    return this.#loaded.access?.for({ clientId, username })
  }

  /**
   * Reads everything anew. Nothing has changed when that fails, nor before the function that is returned is called.
   * @throws as the constructor does
   */
  prepare(settings: SecurityOptions): () => void {
    const loaded = load(settings, this.#warn)
    return () => this.#replace(loaded)
  }

  #replace(loaded: Loaded): void {
    this.#loaded = loaded
    const { passwords } = loaded
    const authenticator = this.#authenticator
    if (passwords !== undefined && authenticator !== undefined) authenticator.replace(passwords)
    else {
      this.#authenticator = passwords === undefined ? undefined : new PasswordAuthenticator(passwords)
      // Who is being checked against a file that is not asked for any more is refused, and comes again.
      authenticator?.close().catch((error) => this.#warn(String(error)))
    }
  }

  async close(): Promise<void> {
    await this.#authenticator?.close()
  }
}

function load(settings: SecurityOptions, warn: (message: string) => void): Loaded {
  const passwords = settings.passwordFile === undefined ? undefined : readPasswordFile(settings.passwordFile)
  for (const warning of passwords?.warnings ?? []) warn(`Warning: ${warning}`)
  const rules = settings.aclFile === undefined ? undefined : readAclFile(settings.aclFile)
  for (const { file, line, message } of rules?.warnings ?? []) warn(`Warning: ${file}:${line}: ${message}`)
  const access = rules === undefined ? undefined : new AccessControl(rules)
  return { settings, passwords, access }
}
