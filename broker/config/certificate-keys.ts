import type { ListenerOptions } from '../options.ts'
import type { Draft } from './draft.ts'

/** `notary_enroll_certificates true` does nothing where no client shows a certificate; say so. */
export function explainCertificateKeys(
  { enrollCertificatesLine, ignored }: Pick<Draft, 'enrollCertificatesLine' | 'ignored'>,
  listeners: readonly ListenerOptions[],
): void {
  if (enrollCertificatesLine === undefined) return
  if (listeners.some(({ tls }) => tls?.requireCertificate === true)) return
  ignored.set(enrollCertificatesLine, 'no listener has "require_certificate true"')
}
