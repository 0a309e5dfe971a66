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
import type { Security } from './security.ts'

/** Everything that comes from files. */
interface Loaded {
  readonly settings: SecurityOptions
  readonly passwords: PasswordFile | undefined
  readonly access: AccessControl | undefined
  readonly aclSha256: Uint8Array | undefined
}

/** A password file that cannot be read lets nobody start; one that cannot be read again leaves the rules as they were. */
export class FileSecurity implements Security {
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

  get hasPasswords(): boolean {
    return this.#loaded.passwords !== undefined
  }

  /** Of the access control list; undefined without one. */
  get aclSha256(): Uint8Array | undefined {
    return this.#loaded.aclSha256
  }

  async authenticate({ username, password, certificateUsername }: Credentials): Promise<Login | undefined> {
    if (certificateUsername !== undefined) return { username: certificateUsername, auth: 'certificate' }
    const authenticator = this.#authenticator
    if (username === undefined || authenticator === undefined) {
      return this.settings.allowAnonymous ? { username, auth: 'none' } : undefined
    }
    if (!(await authenticator.verify(username, password))) return undefined
    return { username, auth: 'password', record: authenticator.recordOf(username) }
  }

  holds({ username, auth, record }: Login): boolean {
    if (auth === 'certificate') return true
    if (auth === 'none') {
      const mustBeProved = username !== undefined && this.#authenticator !== undefined
      return this.settings.allowAnonymous && !mustBeProved
    }
    return username !== undefined && record !== undefined && this.#authenticator?.recordOf(username) === record
  }

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
  return { settings, passwords, access, aclSha256: rules?.sha256 }
}
