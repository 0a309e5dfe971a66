import { CodedError, type ErrorExplanation } from '../../protocol/coded-error.ts'

/** Every code that making certificates throws, with when it happens and what to do. */
export const certificateErrors = {
  ERR_CERTIFICATE_NAME: {
    cause: 'a host is neither a DNS name nor an address, or a client name cannot be a common name and a file name',
    remedy: 'client names are letters, digits and . _ @ -, at most 64, and not ca or server',
  },
  ERR_CERTIFICATE_EXISTS: {
    cause: 'a certificate of this name is in the directory already',
    remedy: 'use --force to issue it anew for the same key, or another directory',
  },
  ERR_CERTIFICATE_AUTHORITY: {
    cause: 'the authority in the directory cannot issue: its key is missing or another one, or it has expired',
    remedy: 'bring ca.key back, or begin with an empty directory',
  },
  ERR_CERTIFICATE_FILE: {
    cause: 'a file cannot be read or written, or holds something else than it should',
    remedy: 'see the file named in the message',
  },
} as const satisfies Record<string, ErrorExplanation>

export type CertificateErrorCode = keyof typeof certificateErrors

/** Thrown by everything that makes certificates. */
export class CertificateError extends CodedError<CertificateErrorCode> {}
