import { CodedError, type ErrorExplanation } from '../protocol/coded-error.ts'

/** Every code that `clients/` throws, with when it happens and what to do. */
export const clientErrors = {
  ERR_USAGE: { cause: 'the command line is wrong', remedy: 'see --help' },
  ERR_IDENTITY_FILE: { cause: 'a key file is missing, unreadable or of another kind', remedy: 'see `notarymq keygen`' },
  ERR_PASSPHRASE: {
    cause: 'a private key is protected by a passphrase, and none was given, another one, or none that can be read',
    remedy: 'give --passphrase-file, or set NOTARYMQ_PASSPHRASE, or type it at the terminal',
  },
  ERR_SEQUENCE_FILE: {
    cause: 'the sequence number beside the key cannot be read, locked or written',
    remedy: 'end the other process that uses the key; never set the number back',
  },
  ERR_CONNECTION: { cause: 'the broker cannot be reached or refused the connection', remedy: 'see host, port and log' },
  ERR_TIMEOUT: { cause: 'the broker did not answer in time', remedy: 'see whether it runs and who may ask it' },
  ERR_REFUSED: { cause: 'the broker refused', remedy: 'its log says why' },
  ERR_BROKER_UNPROVEN: {
    cause: 'the broker signs with another key than it is known by, or what it signed does not fit this connection',
    remedy: 'ask its operator whether the key was replaced; if so remove its line from the known-brokers file',
  },
  ERR_KNOWN_BROKERS: {
    cause: 'the file with the keys of known brokers cannot be read or written, or a line of it is none',
    remedy: 'see the message; each line is HOST:PORT, a space and a COSE_Key in base64url',
  },
  ERR_RECEIPT_FILE: {
    cause: 'a file cannot be read, or is not what `notarymq audit receipt` writes or the receipt topic brings',
    remedy: 'see the message; the .json file has everything that a verifier needs',
  },
  ERR_ADMIN: { cause: 'the admin topic answered with an error', remedy: 'see the message' },
  ERR_LOG_UNREACHABLE: {
    cause: 'a log cannot be reached, or does not serve what its checkpoint promises',
    remedy: 'see the message; a log is served by notary_http_log, or any web server over an export',
  },
  ERR_WATCH_STATE: {
    cause: 'the state directory of a watcher cannot be used, is damaged, or is that of another log',
    remedy: 'give each log a directory of its own; one that is damaged is to be kept, and a new one begun',
  },
  ERR_LAB: {
    cause: 'a step of a lab did not show what it claims',
    remedy: 'see the message and the log of the broker: it is not set up as the lab needs it, or something is wrong',
  },
} as const satisfies Record<string, ErrorExplanation>

export type ClientErrorCode = keyof typeof clientErrors

/** Thrown by everything in `clients/`. */
export class ClientError extends CodedError<ClientErrorCode> {}
