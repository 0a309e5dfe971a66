import type { Rate } from '../../plugins/index.ts'
import { BrokerError } from '../errors.ts'
import { checkSecurityOptions, type SecurityOptions } from '../security-options.ts'
import { type ListenerProtocol, listenerProtocols } from './listener-info.ts'

/** TLS of one listener. Files are PEM. */
export interface TlsOptions {
  /** The server's certificate, followed by those of intermediate CAs. */
  readonly certFile: string
  /** Its private key, without a passphrase. */
  readonly keyFile: string
  /** CAs whose client certificates are accepted. */
  readonly caFile?: string
  /** Directory of CAs whose client certificates are accepted, beside those of `caFile`. */
  readonly caPath?: string
  /** Client certificates that are refused. */
  readonly crlFile?: string
  /** Of TLS 1.2, in OpenSSL's words. Default: Node's. */
  readonly ciphers?: string
  /** Cipher suites of TLS 1.3, separated by colons. Default: Node's. */
  readonly ciphersTls13?: string
  /** Demand a client certificate; needs `caFile` or `caPath`. Default false: none is asked for. */
  readonly requireCertificate?: boolean
  /** The username is the common name of the client's certificate. Needs `requireCertificate`. Default false. */
  readonly useIdentityAsUsername?: boolean
  /** The username is the subject of the client's certificate. The common name wins where both are asked for. Default false. */
  readonly useSubjectAsUsername?: boolean
  /** Default TLSv1.2, as in Mosquitto. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** MQTT 3.1, 3.1.1 and 5 by the number in CONNECT [MQTT-5.0 3.1.2.2]. */
export type ProtocolVersion = 3 | 4 | 5

/** One socket the broker listens on. */
export interface ListenerOptions {
  readonly protocol: ListenerProtocol
  /** TCP port; 0 lets the system choose (tests). */
  readonly port: number
  /** Address to bind, or a name: each of its addresses. Absent: all interfaces, IPv4 and IPv6. */
  readonly host?: string
  /** Addresses of this family alone (`socket_domain`). Default: both. */
  readonly addressFamily?: 'ipv4' | 'ipv6'
  /** Addresses of this network interface alone. Default: any. */
  readonly bindInterface?: string
  /** MQTT over TLS, or secure WebSocket. Default: neither. */
  readonly tls?: TlsOptions
  /** Connections open at once; further ones are closed at once. 0 is unlimited. Default 0. */
  readonly maxConnections?: number
  /** New connections per second; what comes faster is closed at once. Default: unlimited. */
  readonly connectRate?: Rate
  /**
   * WebSocket only: which `Origin` headers an upgrade may carry. `none` refuses every upgrade with one (no page in a
   * browser can connect), `localhost` admits pages served from this machine, `any` all pages, a list those whose origin
   * is in it. Default `none`.
   */
  readonly allowedOrigins?: 'none' | 'localhost' | 'any' | readonly string[]
  /** What differs here from the broker's own security options. Default: nothing. */
  readonly security?: Partial<SecurityOptions>
  /** Highest QoS of publishes, announced to MQTT 5 clients. Default: the broker's `maximumQos`. */
  readonly maximumQos?: 0 | 1 | 2
  /** The client id is the username; clients without one are refused. Default false. */
  readonly useUsernameAsClientId?: boolean
  /** Topic aliases that a MQTT 5 client may use towards the broker. Default: the broker's `maxTopicAlias`. */
  readonly maxTopicAlias?: number
  /** Clients of other versions are refused. Default: all three. */
  readonly acceptProtocolVersions?: readonly ProtocolVersion[]
  /** Go on without this listener when the machine has no such address, as where IPv6 is switched off. */
  readonly ifAvailable?: boolean
}

/** @throws {BrokerError} ERR_OPTIONS_INVALID */
export function checkListenerOptions(options: ListenerOptions): void {
  const { port, protocol, addressFamily, tls, maxConnections = 0, connectRate } = options
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw invalid('a port is an integer from 0 to 65535')
  if (!listenerProtocols.includes(protocol)) throw invalid('a protocol is mqtt, websockets or notary-link')
  if (addressFamily !== undefined && addressFamily !== 'ipv4' && addressFamily !== 'ipv6') {
    throw invalid('addressFamily is ipv4 or ipv6')
  }
  if (!isCount(maxConnections, 0)) throw invalid('maxConnections is an integer from 0')
  if (connectRate !== undefined && !(isCount(connectRate.perSecond, 1) && isCount(connectRate.burst ?? 1, 1))) {
    throw invalid('connectRate.perSecond and connectRate.burst are integers from 1')
  }
  if (tls !== undefined) checkTlsOptions(tls)
  checkSecurityOptions(options.security ?? {})
  checkClientRules(options)
}

const originWords: readonly unknown[] = ['none', 'localhost', 'any']

function checkClientRules(options: ListenerOptions): void {
  const { maximumQos = 2, maxTopicAlias = 0, acceptProtocolVersions = [4], bindInterface, allowedOrigins } = options
  if (![0, 1, 2].includes(maximumQos)) throw invalid('maximumQos is 0, 1 or 2')
  if (!isCount(maxTopicAlias, 0) || maxTopicAlias > 65535) throw invalid('maxTopicAlias is an integer from 0 to 65535')
  if (acceptProtocolVersions.length === 0 || acceptProtocolVersions.some((one) => ![3, 4, 5].includes(one))) {
    throw invalid('acceptProtocolVersions is a list of 3, 4 and 5')
  }
  if (bindInterface !== undefined && !isPath(bindInterface)) throw invalid('bindInterface is a name')
  const isList = Array.isArray(allowedOrigins) && allowedOrigins.every(isPath)
  if (allowedOrigins !== undefined && !isList && !originWords.includes(allowedOrigins)) {
    throw invalid('allowedOrigins is none, localhost, any or a list of origins')
  }
}

function checkTlsOptions(tls: TlsOptions): void {
  const { certFile, keyFile, caFile, caPath, crlFile, ciphers, ciphersTls13, requireCertificate, minVersion } = tls
  if (!isPath(certFile) || !isPath(keyFile)) throw invalid('tls needs certFile and keyFile')
  for (const [name, value] of Object.entries({ caFile, caPath, crlFile, ciphers, ciphersTls13 })) {
    if (value !== undefined && !isPath(value)) throw invalid(`tls.${name} is a string that is not empty`)
  }
  // Without one Node would accept the certificates of every public CA.
  if (requireCertificate === true && caFile === undefined && caPath === undefined) {
    throw invalid('tls.requireCertificate needs caFile or caPath')
  }
  const isUsername = tls.useIdentityAsUsername === true || tls.useSubjectAsUsername === true
  if (isUsername && requireCertificate !== true) throw invalid('a username from certificates needs requireCertificate')
  if (minVersion !== undefined && minVersion !== 'TLSv1.2' && minVersion !== 'TLSv1.3') {
    throw invalid('tls.minVersion is TLSv1.2 or TLSv1.3')
  }
}

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
