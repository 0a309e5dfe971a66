import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { CertificateError } from './errors.ts'

/** What a server certificate is for, as in its Subject Alternative Name (RFC 5280 section 4.2.1.6). */
export interface HostName {
  readonly type: 'dns' | 'ip'
  readonly value: string
}

/** A label may begin with an underscore where people have such names; a star stands for the whole first one. */
const dnsName = /^(\*\.)?([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?$/

/** @throws {CertificateError} ERR_CERTIFICATE_NAME */
export function parseHostName(text: string): HostName {
  if (isIP(text) !== 0 && !text.includes('%')) return { type: 'ip', value: text }
  const value = domainToASCII(text)
  if (value.length > 253 || !dnsName.test(value) || /^[0-9.]+$/.test(value)) {
    throw new CertificateError('ERR_CERTIFICATE_NAME', `${text} is neither a DNS name nor an address`)
  }
  return { type: 'dns', value }
}

/** Common names have at most 64 characters (RFC 5280 appendix A.1); these are file names too. */
const clientName = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/** @throws {CertificateError} ERR_CERTIFICATE_NAME */
export function checkClientName(name: string): string {
  if (!clientName.test(name) || ['ca', 'server'].includes(name.toLowerCase())) {
    throw new CertificateError('ERR_CERTIFICATE_NAME', `${name} cannot be the name of a client`)
  }
  return name
}
