import { CodedError, type ErrorExplanation } from '../../protocol/coded-error.ts'

/** Every code that `plugins/authentication` throws, with when it happens and what to do. */
export const authenticationErrors = {
  ERR_PASSWORD_FILE: {
    cause: 'a password file is missing, unreadable, no regular file, larger than 64 MiB or cannot be replaced',
    remedy: 'see the message; `notarymq passwd -c FILE USER` makes one',
  },
  ERR_PASSWORD_HASH: {
    cause: 'what stands behind a user name is no $6$, $7$ or $argon2id$ hash, or one with a cost out of bounds',
    remedy: 'set the password again with `notarymq passwd FILE USER`',
  },
  ERR_PASSWORD_NOT_HASHED: {
    cause: 'a password file holds a password in plain text, with which nobody can log in',
    remedy: 'convert the file with `notarymq passwd -U FILE`',
  },
  ERR_PASSWORD_INVALID: {
    cause: 'a new password is empty or longer than 65535 bytes',
    remedy: 'choose another one',
  },
  ERR_USERNAME_INVALID: {
    cause: 'a user name that no line of a password file can hold or no client can send',
    remedy: 'use at most 65535 bytes, no colon, no control characters, no # in front and no space around it',
  },
  ERR_AUTHENTICATION_BUSY: {
    cause: 'too many logins wait for their password to be checked',
    remedy: 'the client tries again later; see whether somebody is guessing passwords',
  },
  ERR_AUTHENTICATION_CLOSED: { cause: 'the broker is stopping', remedy: 'the client tries again later' },
  ERR_AUTHENTICATION_FAILED: {
    cause: 'a password could not be checked: the thread that does it ended',
    remedy: 'see the message, most likely memory; the next login starts another thread',
  },
} as const satisfies Record<string, ErrorExplanation>

export type AuthenticationErrorCode = keyof typeof authenticationErrors

/** Thrown by everything in `plugins/authentication`. */
export class AuthenticationError extends CodedError<AuthenticationErrorCode> {}
