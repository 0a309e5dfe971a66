import { CodedError, type ErrorExplanation } from '../protocol/coded-error.ts'

/** Every code that `clients/` throws, with when it happens and what to do. */
export const clientErrors = {
  ERR_USAGE: { cause: 'the command line is wrong', remedy: 'see --help' },
  ERR_IDENTITY_FILE: { cause: 'a key file is missing, unreadable or of another kind', remedy: 'see `notarymq keygen`' },
  ERR_SEQUENCE_FILE: {
    cause: 'the sequence number beside the key cannot be read, locked or written',
    remedy: 'end the other process that uses the key; never set the number back',
  },
  ERR_CONNECTION: { cause: 'the broker cannot be reached or refused the connection', remedy: 'see host, port and log' },
  ERR_TIMEOUT: { cause: 'the broker did not answer in time', remedy: 'see whether it runs and who may ask it' },
  ERR_REFUSED: { cause: 'the broker refused', remedy: 'its log says why' },
  ERR_ADMIN: { cause: 'the admin topic answered with an error', remedy: 'see the message' },
} as const satisfies Record<string, ErrorExplanation>

export type ClientErrorCode = keyof typeof clientErrors

/** Thrown by everything in `clients/`. */
export class ClientError extends CodedError<ClientErrorCode> {}
