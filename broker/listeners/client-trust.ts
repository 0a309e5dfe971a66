import type { X509Certificate } from 'node:crypto'
import { certificateFieldsOf } from './certificate-fields.ts'
import type { RevocationList } from './revocation-list.ts'

/** Longest way from a client certificate to an authority; OpenSSL's own bound is higher, and nobody has such chains. */
const maxChain = 10

/** Whom a listener's files vouch for: the authorities of `cafile` and `capath`, without whom `crlfile` revoked. */
export class ClientTrust {
  readonly authorities: readonly X509Certificate[]
  readonly #lists: readonly RevocationList[] | undefined
  readonly #now: () => number

  /** @param lists undefined: nobody is revoked. With lists, an issuer that has none vouches for nobody. */
  constructor(
    authorities: readonly X509Certificate[],
    lists: readonly RevocationList[] | undefined,
    now: () => number = Date.now,
  ) {
    this.authorities = authorities
    this.#lists = lists
    this.#now = now
  }

  /**
   * What OpenSSL does not look at when a session is resumed, and revocation, which is ours.
   * @param certificate that OpenSSL has accepted, now or when the session began
   * @returns why it is not good any more
   */
  problemOf(certificate: X509Certificate): string | undefined {
    return judged(() => this.#problemOf(certificate))
  }

  #problemOf(certificate: X509Certificate): string | undefined {
    const nowMs = this.#now()
    const dates = dateProblemOf(certificate, nowMs)
    if (dates !== undefined || this.#lists === undefined) return dates
    return this.#revocationOf(certificate, this.#lists, nowMs)
  }

  /**
   * Whether a client that is connected could connect again with these files.
   * @param certificate as it came with the handshake, which had the authorities between it and ours with it
   * @returns why not
   */
  presentProblemOf(certificate: X509Certificate): string | undefined {
    return judged(() => {
      const problem = this.#problemOf(certificate)
      if (problem !== undefined) return problem
      return this.#isVouchedFor(certificate, maxChain) ? undefined : 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'
    })
  }

  #revocationOf(certificate: X509Certificate, lists: readonly RevocationList[], nowMs: number): string | undefined {
    const { issuer, serialNumber } = certificateFieldsOf(certificate.raw)
    const named = lists.filter((list) => list.issuer.equals(issuer))
    // A resumed session comes without the authorities that were sent when it began: those are known from then.
    const issuers = [...this.#sentAndOurs(certificate), ...named.flatMap(({ signers }) => signers)].filter((one) =>
      isIssuedBy(certificate, one),
    )
    const [newest] = named
      .filter((list) => issuers.some((one) => list.isSignedBy(one)))
      .sort((one, other) => other.thisUpdateMs - one.thisUpdateMs)
    if (newest === undefined) return 'UNABLE_TO_GET_CRL'
    // A list that is out of date may miss whoever was revoked since.
    if (newest.thisUpdateMs > nowMs) return 'CRL_NOT_YET_VALID'
    if (newest.nextUpdateMs !== undefined && newest.nextUpdateMs < nowMs) return 'CRL_HAS_EXPIRED'
    return newest.isRevoked(serialNumber) ? 'CERT_REVOKED' : undefined
  }

  #isVouchedFor(certificate: X509Certificate, most: number): boolean {
    if (dateProblemOf(certificate, this.#now()) !== undefined) return false
    if (this.authorities.some((one) => one.fingerprint256 === certificate.fingerprint256 && isSelfSigned(one)))
      return true
    if (most === 0 || isSelfSigned(certificate)) return false
    return this.#sentAndOurs(certificate).some(
      (one) => isIssuedBy(certificate, one) && this.#isVouchedFor(one, most - 1),
    )
  }

  #sentAndOurs(certificate: X509Certificate): readonly X509Certificate[] {
    const { issuerCertificate } = certificate
    return issuerCertificate === undefined ? this.authorities : [...this.authorities, issuerCertificate]
  }
}

/** A certificate with a key or an encoding that cannot be dealt with is a bad one, and no reason to end the broker. */
function judged(judge: () => string | undefined): string | undefined {
  try {
    return judge()
  } catch (error) {
    return `the certificate cannot be judged: ${error instanceof Error ? error.message : String(error)}`
  }
}

function dateProblemOf({ validFrom, validTo }: X509Certificate, nowMs: number): string | undefined {
  if (nowMs > Date.parse(validTo)) return 'CERT_HAS_EXPIRED'
  return nowMs < Date.parse(validFrom) ? 'CERT_NOT_YET_VALID' : undefined
}

function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate)
}
