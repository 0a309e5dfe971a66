import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, DEFAULT_CIPHERS, type SecureContextOptions } from 'node:tls'
import { BrokerError } from '../errors.ts'
import { ClientTrust } from './client-trust.ts'
import { DerError } from './der.ts'
import type { TlsOptions } from './listener-options.ts'
import { pemBlocksOf } from './pem.ts'
import { RevocationList } from './revocation-list.ts'

/** The files of a TLS listener, read and tried. */
export interface TlsFiles {
  /** What names them, and what is asked of clients with them. */
  readonly settings: TlsOptions
  readonly context: SecureContextOptions
  /** The server's own. */
  readonly certificate: X509Certificate
  readonly trust: ClientTrust
  /** What an operator should know; nothing is refused for it. */
  readonly warnings: readonly string[]
}

/**
 * Reads the files of a TLS listener and tries them. All of them are small and the operator's own.
 * @throws {BrokerError} ERR_TLS_UNUSABLE: a file cannot be read, is not PEM, or key and certificate do not match
 */
export function loadTlsFiles(options: TlsOptions, nowMs: number): TlsFiles {
  const { certFile, keyFile, crlFile } = options
  const cert = read('certificate', certFile)
  const [certificate] = certificatesIn('certificate', certFile, cert)
  const key = read('key', keyFile)
  const privateKey = privateKeyIn(keyFile, key)
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unusable(`the key ${keyFile} is not the key of the certificate ${certFile}`, { path: keyFile })
  }
  const authorities = authoritiesOf(options)
  const lists = crlFile === undefined ? undefined : listsIn(crlFile)
  const ciphers = ciphersOf(options)
  const context: SecureContextOptions = {
    cert,
    key,
    minVersion: options.minVersion ?? 'TLSv1.2',
    ca: authorities.map((one) => one.toString()),
    ...(ciphers === undefined ? undefined : { ciphers }),
  }
  try {
    createSecureContext(context)
  } catch (cause) {
    const what = ciphers === undefined ? '' : ', or its ciphers'
    throw unusable(`cannot use ${certFile} and ${keyFile}${what} for TLS`, { path: certFile }, cause)
  }
  const warnings = [
    expiryWarning(certFile, certificate, nowMs),
    permissionWarning(keyFile),
    ...(lists ?? []).map((list) => listWarning(`${crlFile}`, list, nowMs)),
  ].filter((one) => one !== undefined)
  return { settings: options, context, certificate, trust: new ClientTrust(authorities, lists), warnings }
}

const dayMs = 86_400_000
const noticeDays = 14

/** @returns a line when the server's own certificate is out of date, or will be within 14 days */
export function expiryWarning(path: string, certificate: X509Certificate, nowMs: number): string | undefined {
  const { validFrom, validTo } = certificate
  if (nowMs > Date.parse(validTo)) return `Warning: The certificate ${path} has expired (${validTo}).`
  if (nowMs < Date.parse(validFrom)) return `Warning: The certificate ${path} is not valid before ${validFrom}.`
  const days = Math.floor((Date.parse(validTo) - nowMs) / dayMs)
  return days < noticeDays ? `Warning: The certificate ${path} expires in ${days} days (${validTo}).` : undefined
}

/** Others than owner and group may read it, or others than the owner change it. */
function permissionWarning(path: string): string | undefined {
  const isLoose = (statSync(path).mode & 0o027) !== 0
  return isLoose ? `Warning: The key ${path} can be read or changed by others; take the right from them.` : undefined
}

function listWarning(path: string, { nextUpdateMs }: RevocationList, nowMs: number): string | undefined {
  if (nextUpdateMs === undefined || nextUpdateMs >= nowMs) return undefined
  const when = new Date(nextUpdateMs).toISOString()
  return `Warning: The revocation list ${path} has expired (${when}); the clients of its authority are refused.`
}

/** How OpenSSL names the files of a directory of authorities, and how people do. */
const authorityFile = /^([0-9a-f]{8}\.[0-9]+|.*\.(pem|crt|cer))$/i

function authoritiesOf({ caFile, caPath }: TlsOptions): X509Certificate[] {
  const found =
    caFile === undefined ? [] : [...certificatesIn('CA certificates', caFile, read('CA certificates', caFile))]
  if (caPath !== undefined) {
    const inPath = namesIn(caPath)
      .filter((name) => authorityFile.test(name))
      .map((name) => join(caPath, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
      .flatMap((path) => parseCertificates('CA certificate', path, read('CA certificate', path)))
    if (inPath.length === 0) throw unusable(`no certificate in ${caPath}`, { path: caPath })
    found.push(...inPath)
  }
  // A directory has each file twice, once under the name by which OpenSSL looks for it.
  return [...new Map(found.map((one) => [one.fingerprint256, one])).values()]
}

function certificatesIn(what: string, path: string, pem: Buffer): [X509Certificate, ...X509Certificate[]] {
  const [first, ...rest] = parseCertificates(what, path, pem)
  if (first === undefined) throw unusable(`no certificate in the ${what} ${path}`, { path })
  return [first, ...rest]
}

function parseCertificates(what: string, path: string, pem: Buffer): X509Certificate[] {
  return pemBlocksOf(pem.toString('latin1'))
    .filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE')
    .map(({ der }) => {
      try {
        return new X509Certificate(der)
      } catch (cause) {
        throw unusable(`the ${what} ${path} cannot be parsed`, { path }, cause)
      }
    })
}

function privateKeyIn(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    const isEncrypted = /ENCRYPTED/.test(pem.toString('latin1'))
    throw unusable(`the key ${path} ${isEncrypted ? 'has a passphrase' : 'is no private key'}`, { path }, cause)
  }
}

function listsIn(path: string): RevocationList[] {
  const blocks = pemBlocksOf(read('revocation list', path).toString('latin1')).filter(
    ({ label }) => label === 'X509 CRL',
  )
  if (blocks.length === 0) throw unusable(`no revocation list in ${path}`, { path })
  return blocks.map(({ der }) => {
    try {
      return new RevocationList(der)
    } catch (cause) {
      if (!(cause instanceof DerError)) throw cause
      throw unusable(`the revocation list ${path} cannot be used: ${cause.message}`, { path }, cause)
    }
  })
}

/** `ciphers` is for TLS 1.2, `ciphers_tls1.3` for what came after; Node takes both in one list, told apart by their names. */
function ciphersOf({ ciphers, ciphersTls13 }: TlsOptions): string | undefined {
  if (ciphers === undefined && ciphersTls13 === undefined) return undefined
  const isTls13 = (name: string) => name.startsWith('TLS_')
  // OpenSSL separates with any of these.
  const split = (list: string) => list.split(/[:,; ]+/).filter((name) => name !== '')
  const older = split(ciphers ?? DEFAULT_CIPHERS).filter((name) => !isTls13(name))
  const newer = split(ciphersTls13 ?? DEFAULT_CIPHERS).filter((name) => ciphersTls13 !== undefined || isTls13(name))
  const foreign = newer.find((name) => !isTls13(name))
  if (foreign !== undefined) throw unusable(`${foreign} is no cipher suite of TLS 1.3`, {})
  if (older.length === 0) throw unusable('ciphers names no cipher of TLS 1.2', {})
  if (newer.length === 0) throw unusable('ciphers_tls1.3 names no cipher suite', {})
  return [...newer, ...older].join(':')
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (cause) {
    throw unusable(`cannot read the directory ${path}`, { path }, cause)
  }
}

function read(what: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw unusable(`cannot read the ${what} ${path}`, { path }, cause)
  }
}

function unusable(what: string, details: { path?: string }, cause?: unknown): BrokerError {
  return new BrokerError('ERR_TLS_UNUSABLE', what, details, cause)
}
