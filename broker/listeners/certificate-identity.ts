import type { X509Certificate } from 'node:crypto'
import { certificateFieldsOf } from './certificate-fields.ts'
import { DerError } from './der.ts'
import { attributesOf, commonName, formatName } from './distinguished-name.ts'

/** What a client certificate calls its owner, in Mosquitto's two ways. */
export interface CertificateIdentity {
  /**
   * The first common name (`use_identity_as_username`). Undefined when there is none, or none that can be a username:
   * empty, not UTF-8, or with U+0000, behind which a careless reader would see another name.
   */
  readonly commonName: string | undefined
  /** The subject (`use_subject_as_username`), e.g. `CN=test client,OU=Production,C=GB`; empty where the subject is. */
  readonly subject: string
}

/** Whose certificate this is. Whether to believe it is another question. @throws {DerError} a name that is not DER */
export function identityOf(certificate: X509Certificate): CertificateIdentity {
  const attributes = attributesOf(certificateFieldsOf(certificate.raw).subject)
  // The bytes as they are, whatever the string type says, as in Mosquitto: a BMPString has U+0000 in it and is no name.
  const first = attributes.find(({ type }) => type === commonName)
  return { commonName: first === undefined ? undefined : textOf(first.value.content), subject: formatName(attributes) }
}

/** Which of them is the username on a listener; the common name comes before the subject. */
export interface UsernameSource {
  readonly useIdentityAsUsername?: boolean
  readonly useSubjectAsUsername?: boolean
}

/**
 * The username of a client on a listener that takes it from certificates.
 * @returns undefined where the listener does not; null when the certificate gives none: such a client is refused
 */
export function usernameOf(
  certificate: X509Certificate | undefined,
  source: UsernameSource,
): string | null | undefined {
  const { useIdentityAsUsername = false, useSubjectAsUsername = false } = source
  if (!useIdentityAsUsername && !useSubjectAsUsername) return undefined
  if (certificate === undefined) return null
  try {
    const { commonName, subject } = identityOf(certificate)
    if (useIdentityAsUsername) return commonName ?? null
    return subject === '' ? null : subject
  } catch (error) {
    // OpenSSL takes encodings that are not DER; nobody is called by them.
    if (error instanceof DerError) return null
    throw error
  }
}

function textOf(bytes: Buffer): string | undefined {
  if (bytes.length === 0 || bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}
