import { DerReader, derTag } from './der.ts'

/** What Node's own class does not give, or gives as text that has lost something. */
export interface CertificateFields {
  /** Hexadecimal, without leading zeros. */
  readonly serialNumber: string
  /** DER of the issuer's name. */
  readonly issuer: Buffer
  /** DER of the name. */
  readonly subject: Buffer
}

/**
 * Reads issuer, subject and serial number of a certificate (RFC 5280 section 4.1).
 * @param raw DER
 * @throws {DerError}
 */
export function certificateFieldsOf(raw: Buffer): CertificateFields {
  const body = new DerReader(raw).enter(derTag.sequence).enter(derTag.sequence)
  body.readOptional(derTag.explicit0)
  const serialNumber = serialNumberOf(body.read(derTag.integer).content)
  body.read(derTag.sequence)
  const issuer = body.read(derTag.sequence).encoding
  body.read(derTag.sequence)
  return { serialNumber, issuer, subject: body.read(derTag.sequence).encoding }
}

/** Of equal numbers the same text. */
export function serialNumberOf(content: Buffer): string {
  return content.toString('hex').replace(/^(00)+(?=..)/, '')
}
