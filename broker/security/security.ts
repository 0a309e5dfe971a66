import type { ClientAccess } from '../../plugins/index.ts'
import type { SecurityOptions } from '../security-options.ts'
import type { Credentials, Login } from './login.ts'

/** Who may come in, and what they may do there. Nothing that is not allowed here is. */
export interface Security {
  readonly settings: SecurityOptions
  /** Whether names can be proved by password. */
  readonly hasPasswords: boolean
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
  authenticate(credentials: Credentials): Promise<Login | undefined>
  /** Whether a client that came in under earlier rules would come in now, as far as that can be told without its password. */
  holds(login: Login): boolean
  /** What a client may do; undefined: everything, as there is no list. */
  accessOf(clientId: string, username: string | undefined): ClientAccess | undefined
}
