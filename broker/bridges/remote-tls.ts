import { readFileSync } from 'node:fs'
import { type ConnectionOptions, createSecureContext } from 'node:tls'
import type { BridgeTlsOptions } from './bridge-options.ts'
import { BridgeError } from './errors.ts'

/**
 * Reads the TLS files of a bridge and tries them. The certificate of the remote broker has to come from one of the CAs,
 * and unless `isInsecure`, be for the address.
 * @throws {BridgeError} ERR_BRIDGE_TLS_UNUSABLE
 */
export function loadRemoteTls(bridge: string, tls: BridgeTlsOptions): ConnectionOptions {
  const { caFile, certFile, keyFile, isInsecure, alpn } = tls
  try {
    const options: ConnectionOptions = {
      ca: readFileSync(caFile),
      minVersion: 'TLSv1.2',
      ...(certFile === undefined ? undefined : { cert: readFileSync(certFile) }),
      ...(keyFile === undefined ? undefined : { key: readFileSync(keyFile) }),
      ...(alpn === undefined ? undefined : { ALPNProtocols: [alpn] }),
      ...(isInsecure === true ? { checkServerIdentity: () => undefined } : undefined),
    }
    createSecureContext(options)
    return options
  } catch (cause) {
    const files = [caFile, certFile, keyFile].filter((file) => file !== undefined).join(', ')
    throw new BridgeError('ERR_BRIDGE_TLS_UNUSABLE', `connection ${bridge}: cannot use ${files} for TLS`, {}, cause)
  }
}
