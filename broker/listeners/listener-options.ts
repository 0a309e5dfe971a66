import { BrokerError } from '../errors.ts'
import type { ConnectRate } from './connect-rate.ts'

/** TLS of one listener. Files are PEM. */
export interface TlsOptions {
  /** The server's certificate, followed by those of intermediate CAs. */
  readonly certFile: string
  /** Its private key, without a passphrase. */
  readonly keyFile: string
  /** CAs whose client certificates are accepted. */
  readonly caFile?: string
  /** Demand a client certificate; needs `caFile`. Default false: none is asked for. */
  readonly requireCertificate?: boolean
  /** Default TLSv1.2, as in Mosquitto. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** One socket the broker listens on. */
export interface ListenerOptions {
  readonly protocol: 'mqtt' | 'websockets'
  /** TCP port; 0 lets the system choose (tests). */
  readonly port: number
  /** Address to bind, or a name: each of its addresses. Absent: all interfaces, IPv4 and IPv6. */
  readonly host?: string
  /** Addresses of this family alone (`socket_domain`). Default: both. */
  readonly addressFamily?: 'ipv4' | 'ipv6'
  /** MQTT over TLS, or secure WebSocket. Default: neither. */
  readonly tls?: TlsOptions
  /** Connections open at once; further ones are closed at once. 0 is unlimited. Default 0. */
  readonly maxConnections?: number
  /** New connections per second; what comes faster is closed at once. Default: unlimited. */
  readonly connectRate?: ConnectRate
  /**
   * WebSocket only: which `Origin` headers an upgrade may carry. `none` refuses every upgrade with one (no page in a
   * browser can connect), `localhost` admits pages served from this machine. Default `none`.
   */
  readonly allowedOrigins?: 'none' | 'localhost'
  /** Go on without this listener when the machine has no such address, as where IPv6 is switched off. */
  readonly ifAvailable?: boolean
}

/** @throws {BrokerError} ERR_OPTIONS_INVALID */
export function checkListenerOptions(options: ListenerOptions): void {
  const { port, protocol, addressFamily, tls, maxConnections = 0, connectRate } = options
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw invalid('a port is an integer from 0 to 65535')
  if (protocol !== 'mqtt' && protocol !== 'websockets') throw invalid('a protocol is mqtt or websockets')
  if (addressFamily !== undefined && addressFamily !== 'ipv4' && addressFamily !== 'ipv6') {
    throw invalid('addressFamily is ipv4 or ipv6')
  }
  if (!isCount(maxConnections, 0)) throw invalid('maxConnections is an integer from 0')
  if (connectRate !== undefined && !(isCount(connectRate.perSecond, 1) && isCount(connectRate.burst ?? 1, 1))) {
    throw invalid('connectRate.perSecond and connectRate.burst are integers from 1')
  }
  if (tls !== undefined) checkTlsOptions(tls)
}

function checkTlsOptions({ certFile, keyFile, caFile, requireCertificate, minVersion }: TlsOptions): void {
  if (!isPath(certFile) || !isPath(keyFile)) throw invalid('tls needs certFile and keyFile')
  if (caFile !== undefined && !isPath(caFile)) throw invalid('tls.caFile is a path')
  // Without one Node would accept the certificates of every public CA.
  if (requireCertificate === true && caFile === undefined) throw invalid('tls.requireCertificate needs caFile')
  if (minVersion !== undefined && minVersion !== 'TLSv1.2' && minVersion !== 'TLSv1.3') {
    throw invalid('tls.minVersion is TLSv1.2 or TLSv1.3')
  }
}

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least
}

function isPath(value: string): boolean {
  return typeof value === 'string' && value !== ''
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: ${what}`)
}
