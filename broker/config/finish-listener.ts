import type { ListenerOptions } from '../options.ts'
import type { DraftListener } from './draft.ts'
import { errorAt } from './values.ts'

/**
 * The listener as options, when all its lines are read.
 * @param isPerListener `per_listener_settings true`: what the listener does not say is at its default, not the broker's
 * @throws {ConfigError} ERR_CONFIG_TLS_INCOMPLETE: with a part of what TLS needs Mosquitto 2.0.11 listens without TLS,
 *   and with require_certificate but no CA it refuses everybody (run)
 */
export function finishListener(draft: DraftListener, isPerListener: boolean): ListenerOptions {
  const { options, security } = draft
  const withSecurity = isPerListener || Object.keys(security).length > 0 ? { ...options, security } : options
  return { ...withSecurity, ...tlsOf(draft) }
}

function tlsOf({ options, tls, tlsLine, requireLine, usernameLine }: DraftListener): Pick<ListenerOptions, 'tls'> {
  if (tlsLine === undefined) return {}
  const { certFile, keyFile } = tls
  if (certFile === undefined || keyFile === undefined) {
    const missing = certFile === undefined ? 'certfile' : 'keyfile'
    const reason = `"${tlsLine.name}" asks for TLS, but the listener on port ${options.port} has no ${missing}.`
    throw errorAt(tlsLine, 'ERR_CONFIG_TLS_INCOMPLETE', reason)
  }
  if (requireLine !== undefined && tls.caFile === undefined && tls.caPath === undefined) {
    const reason = '"require_certificate true" needs cafile or capath: without a CA no certificate would be accepted.'
    throw errorAt(requireLine, 'ERR_CONFIG_TLS_INCOMPLETE', reason)
  }
  const isUsername = tls.useIdentityAsUsername === true || tls.useSubjectAsUsername === true
  if (usernameLine !== undefined && isUsername && tls.requireCertificate !== true) {
    const reason = `"${usernameLine.name} true" needs "require_certificate true": without, nobody has a certificate to show.`
    throw errorAt(usernameLine, 'ERR_CONFIG_TLS_INCOMPLETE', reason)
  }
  return { tls: { ...tls, certFile, keyFile } }
}
