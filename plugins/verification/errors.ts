import { CodedError, type ErrorExplanation } from '../../protocol/coded-error.ts'

/** Every code that `plugins/verification` gives, with when it happens and what to do. */
export const verificationErrors = {
  ERR_VERIFICATION_CLOSED: { cause: 'the broker is stopping', remedy: 'the client sends the publish again later' },
  ERR_VERIFICATION_FAILED: {
    cause: 'a signature could not be verified: the threads that do it ended or cannot be started',
    remedy: 'see the message, most likely memory; threads are started again, a few times a minute',
  },
} as const satisfies Record<string, ErrorExplanation>

export type VerificationErrorCode = keyof typeof verificationErrors

/** Given by everything in `plugins/verification`. */
export class VerificationError extends CodedError<VerificationErrorCode> {}
