import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its private key, in memory and as PEM files of mode 0600. */
export interface Identity {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificateFields {
  readonly name: string
  readonly use: 'server' | 'client'
  /** Default: an hour ago. */
  readonly notBefore?: Date
  /** Default: in an hour. */
  readonly notAfter?: Date
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const hourMs = 3_600_000

/** A certificate authority that lives as long as a test: ECDSA P-256, files below a temporary directory. */
export class TestAuthority {
  readonly cert: string
  readonly caFile: string
  readonly #directory: string
  readonly #certificate: X509Certificate
  readonly #keys: webcrypto.CryptoKeyPair

  private constructor(directory: string, name: string, certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#directory = directory
    this.#certificate = certificate
    this.#keys = keys
    this.cert = certificate.toString('pem')
    this.caFile = join(directory, `${name}.ca.pem`)
    writeFileSync(this.caFile, this.cert)
  }

  static async create(directory: string, name = 'test CA'): Promise<TestAuthority> {
    const keys = await generateKeys()
    const certificate = await X509CertificateGenerator.createSelfSigned({
      ...validity({}),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    })
    return new TestAuthority(directory, name, certificate, keys)
  }

  /** Issues a certificate; a server's is for localhost, 127.0.0.1 and ::1. */
  async issue(fields: CertificateFields): Promise<Identity> {
    const keys = await generateKeys()
    const isServer = fields.use === 'server'
    const certificate = await X509CertificateGenerator.create({
      ...validity(fields),
      subject: `CN=${fields.name}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([isServer ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth]),
        await AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
        ...(isServer
          ? [
              new SubjectAlternativeNameExtension([
                { type: 'dns', value: 'localhost' },
                { type: 'ip', value: '127.0.0.1' },
                { type: 'ip', value: '::1' },
              ]),
            ]
          : []),
      ],
    })
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
    const lines = pkcs8.toString('base64').match(/.{1,64}/g) ?? []
    const key = ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n')
    const cert = certificate.toString('pem')
    const certFile = join(this.#directory, `${fields.name}.cert.pem`)
    const keyFile = join(this.#directory, `${fields.name}.key.pem`)
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key, { mode: 0o600 })
    return { cert, key, certFile, keyFile }
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

function validity({ notBefore, notAfter }: Partial<CertificateFields>): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: notBefore ?? new Date(Date.now() - hourMs),
    notAfter: notAfter ?? new Date(Date.now() + hourMs),
  }
}
