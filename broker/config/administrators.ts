import type { ListenerOptions } from '../options.ts'
import type { Draft } from './draft.ts'
import { errorAt, isLoopbackAddress } from './values.ts'

/**
 * Design, section 6: administrators are proven, or anonymous only where the address itself keeps other machines out.
 * @throws {ConfigError} ERR_CONFIG_ADMIN_NOT_LOOPBACK, ERR_CONFIG_ADMIN_UNPROVABLE
 */
export function checkAdministrators(draft: Draft, listeners: readonly ListenerOptions[]): void {
  const { anonymousAdmin, admins, security } = draft
  const isLoopback = listeners.some(({ protocol, host }) => protocol === 'mqtt' && isLoopbackAddress(host))
  if (anonymousAdmin !== undefined && !isLoopback) {
    const reason =
      '"notary_admin anonymous" needs a TCP listener bound to a loopback address, for example "listener 1883 127.0.0.1".'
    throw errorAt(anonymousAdmin, 'ERR_CONFIG_ADMIN_NOT_LOOPBACK', reason)
  }
  const [first] = admins
  const isProven = security.passwordFile !== undefined || listeners.some(provesUsernames)
  if (first !== undefined && !isProven) {
    const reason = `"notary_admin ${first.name}" needs a proof of usernames: password_file, or use_identity_as_username.`
    throw errorAt(first.line, 'ERR_CONFIG_ADMIN_UNPROVABLE', reason)
  }
}

function provesUsernames({ security, tls }: ListenerOptions): boolean {
  const isCertificate = tls?.useIdentityAsUsername === true || tls?.useSubjectAsUsername === true
  return isCertificate || security?.passwordFile !== undefined
}
