// The polyfill must come before the package that needs it.
import 'reflect-metadata'
import { randomBytes, type webcrypto, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509Certificate as X509CertificateReader,
  X509Crl,
  X509CrlGenerator,
} from '@peculiar/x509'
import { CertificateError } from './errors.ts'
import { keyPairOf, readText, replaceFile, signingAlgorithm } from './key-file.ts'
import { checkClientName, type HostName } from './names.ts'

/** A certificate with its key, as files. */
export interface IssuedCertificate {
  readonly certFile: string
  readonly keyFile: string
  /** Common name. */
  readonly name: string
  readonly notAfter: Date
}

const dayMs = 86_400_000
/** Clocks of devices are late; a certificate that is not valid yet costs an afternoon. */
const earlierMs = 3_600_000
const authorityDays = 3650

/** The development authority of a directory: `ca.crt`, `ca.key` (ECDSA P-256) and, once somebody was revoked, `ca.crl`. */
export class Authority {
  readonly certFile: string
  readonly crlFile: string
  /** It was made just now. */
  readonly isNew: boolean
  readonly #directory: string
  readonly #certificate: X509Certificate
  readonly #keys: webcrypto.CryptoKeyPair
  /** As its certificate has it, to the byte: names are compared so. */
  readonly #name: Name

  private constructor(directory: string, certificate: X509Certificate, keys: webcrypto.CryptoKeyPair, isNew: boolean) {
    this.certFile = join(directory, 'ca.crt')
    this.crlFile = join(directory, 'ca.crl')
    this.isNew = isNew
    this.#name = new X509CertificateReader(certificate.raw).subjectName
    this.#directory = directory
    this.#certificate = certificate
    this.#keys = keys
  }

  /**
   * Opens the authority of a directory, or makes one.
   * @throws {CertificateError} ERR_CERTIFICATE_AUTHORITY, ERR_CERTIFICATE_FILE
   */
  static async open(directory: string): Promise<Authority> {
    const certFile = join(directory, 'ca.crt')
    const keyFile = join(directory, 'ca.key')
    const isNew = !existsSync(certFile)
    if (!isNew && !existsSync(keyFile)) throw unfit(`${certFile} is there, but its key ${keyFile} is not`)
    try {
      mkdirSync(directory, { recursive: true })
    } catch (cause) {
      throw new CertificateError('ERR_CERTIFICATE_FILE', `${directory} cannot be made`, {}, cause)
    }
    const keys = await keyPairOf(keyFile)
    if (isNew) await makeAuthority(certFile, keys)
    const certificate = parseCertificate(certFile)
    if (!certificate.ca) throw unfit(`${certFile} is not the certificate of an authority`)
    const { publicKey } = certificate
    const open = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey))
    if (!publicKey.export({ type: 'spki', format: 'der' }).equals(open)) throw unfit(`${keyFile} is another key`)
    if (Date.parse(certificate.validTo) < Date.now()) throw unfit(`${certFile} has expired`)
    return new Authority(directory, certificate, keys, isNew)
  }

  /** `server.crt` for these hosts; the first one is its common name. @throws {CertificateError} */
  issueServer(hosts: readonly HostName[], days: number, force: boolean): Promise<IssuedCertificate> {
    const [first] = hosts
    const name = first === undefined || first.value.length > 64 ? 'MQTT broker' : first.value
    const names = new SubjectAlternativeNameExtension(hosts.map(({ type, value }) => ({ type, value })))
    return this.#issue('server', name, days, force, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      names,
    ])
  }

  /** `NAME.crt`. @throws {CertificateError} */
  async issueClient(name: string, days: number, force: boolean): Promise<IssuedCertificate> {
    const use = new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])
    return this.#issue(checkClientName(name), name, days, force, [use])
  }

  /**
   * Enters the certificate of a client into `ca.crl`, beside those that are there.
   * @param days how long the list says something
   * @throws {CertificateError} ERR_CERTIFICATE_FILE: there is no such certificate, or it is another authority's
   */
  async revokeClient(name: string, days: number): Promise<void> {
    const path = join(this.#directory, `${checkClientName(name)}.crt`)
    const certificate = parseCertificate(path)
    if (!certificate.verify(this.#certificate.publicKey)) {
      throw new CertificateError('ERR_CERTIFICATE_FILE', `${path} was not issued by ${this.certFile}`, { path })
    }
    const revoked = existsSync(this.crlFile) ? this.#revoked() : []
    const serialNumber = certificate.serialNumber.toLowerCase()
    const isNew = revoked.every((one) => one.serialNumber !== serialNumber)
    const list = await X509CrlGenerator.create({
      issuer: this.#name,
      thisUpdate: new Date(),
      nextUpdate: new Date(Date.now() + days * dayMs),
      entries: isNew ? [...revoked, { serialNumber, revocationDate: new Date() }] : revoked,
      signingKey: this.#keys.privateKey,
      signingAlgorithm,
      extensions: [await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey)],
    })
    replaceFile(this.crlFile, `${PemConverter.encode(list.rawData, 'X509 CRL')}\n`)
  }

  #revoked(): { serialNumber: string; revocationDate: Date }[] {
    try {
      return new X509Crl(readText(this.crlFile)).entries.map(({ serialNumber, revocationDate }) => ({
        serialNumber: serialNumber.toLowerCase(),
        revocationDate,
      }))
    } catch (cause) {
      const path = this.crlFile
      throw new CertificateError('ERR_CERTIFICATE_FILE', `${path} is not a revocation list`, { path }, cause)
    }
  }

  async #issue(
    file: string,
    name: string,
    days: number,
    force: boolean,
    extensions: readonly Extension[],
  ): Promise<IssuedCertificate> {
    const certFile = join(this.#directory, `${file}.crt`)
    const keyFile = join(this.#directory, `${file}.key`)
    if (!force && existsSync(certFile)) {
      throw new CertificateError('ERR_CERTIFICATE_EXISTS', `${certFile} exists already`, { path: certFile })
    }
    const keys = await keyPairOf(keyFile)
    const lastMs = Math.min(Date.now() + days * dayMs, Date.parse(this.#certificate.validTo))
    const notAfter = new Date(lastMs)
    const certificate = await X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: subjectOf(name),
      issuer: this.#name,
      notBefore: new Date(Math.max(Date.now() - earlierMs, Date.parse(this.#certificate.validFrom))),
      notAfter,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        ...extensions,
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    })
    replaceFile(certFile, `${certificate.toString('pem')}\n`)
    return { certFile, keyFile, name, notAfter }
  }
}

const authorityName = 'NotaryMQ development CA'

async function makeAuthority(certFile: string, keys: webcrypto.CryptoKeyPair): Promise<void> {
  const nowMs = Date.now()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: subjectOf(authorityName),
    notBefore: new Date(nowMs - earlierMs),
    notAfter: new Date(nowMs + authorityDays * dayMs),
    keys,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  replaceFile(certFile, `${certificate.toString('pem')}\n`)
}

/** As a structure: in text a name could carry other attributes in. */
function subjectOf(commonName: string): JsonName {
  return [{ CN: [commonName] }]
}

/** Random and positive (RFC 5280 section 4.1.2.2); the first bit set, so that it has no leading zeros to lose. */
function newSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | ((bytes[0] as number) & 0x3f)
  return bytes.toString('hex')
}

function parseCertificate(path: string): X509Certificate {
  const text = readText(path)
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw new CertificateError('ERR_CERTIFICATE_FILE', `${path} is not a certificate`, { path }, cause)
  }
}

function unfit(what: string): CertificateError {
  return new CertificateError('ERR_CERTIFICATE_AUTHORITY', what)
}
