import type { ClientAccess } from '../../plugins/index.ts'
import type { SecurityOptions } from '../security-options.ts'
import type { FileSecurity } from './file-security.ts'
import type { Credentials, Login } from './login.ts'
import type { Security } from './security.ts'

/**
 * What holds for the clients of one listener: rules of its own, or those of the broker. A reload may give it the one or
 * the other; connections keep this.
 */
export class ListenerSecurity implements Security {
  readonly #general: FileSecurity
  own: FileSecurity | undefined

  constructor(general: FileSecurity, own: FileSecurity | undefined) {
    this.#general = general
    this.own = own
  }

  get settings(): SecurityOptions {
    return this.#rules.settings
  }

  get hasPasswords(): boolean {
    return this.#rules.hasPasswords
  }

  authenticate(credentials: Credentials): Promise<Login | undefined> {
    return this.#rules.authenticate(credentials)
  }

  holds(login: Login): boolean {
    return this.#rules.holds(login)
  }

  accessOf(clientId: string, username: string | undefined): ClientAccess | undefined {
    return this.#rules.accessOf(clientId, username)
  }

  get #rules(): Security {
    return this.own ?? this.#general
  }
}
