import { CodedError, type ErrorExplanation } from '../protocol/coded-error.ts'

/** Every code that `clients/` throws, with when it happens and what to do. */
export const clientErrors = {
  ERR_USAGE: { cause: 'the command line is wrong', remedy: 'see --help' },
  ERR_IDENTITY_FILE: { cause: 'a key file is missing, unreadable or of another kind', remedy: 'see `notarymq keygen`' },
  ERR_PASSPHRASE: {
    cause: 'a private key is protected by a passphrase, and none was given, another one, or none that can be read',
    remedy: 'give --passphrase-file, set NOTARYMQ_PASSPHRASE, type it at the terminal; in the SDK option `passphrase`',
  },
  ERR_SEQUENCE_FILE: {
    cause: 'the sequence number beside the key cannot be read, locked or written',
    remedy: 'end the other process that uses the key; never set the number back',
  },
  ERR_KEY_STORE: {
    cause: 'the key store, with pinned keys, checkpoints and counters, cannot be read or written',
    remedy: 'see the message; give the `keyStore` option a place that can be written',
  },
  ERR_OPTIONS: { cause: 'options of connectAsync that do not go together', remedy: 'see docs/sdk.md' },
  ERR_PUBLIC_KEY: {
    cause: 'not a P-256 public key, or a keyring has it or its name already',
    remedy: 'give PEM (`PUBLIC KEY`), a JWK or coordinates; give each key one name',
  },
  ERR_RECEIPT_INVALID: {
    cause: 'the broker sent a receipt that does not prove its record',
    remedy: 'distrust the broker: keep the message, and ask for the receipt again',
  },
  ERR_EQUIVOCATION: {
    cause: 'the log showed a checkpoint that does not extend the one that this client saw before',
    remedy: 'keep both notes, which the event `equivocation` has, and show them to an auditor',
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
  ERR_ENCRYPTION_KEYS: {
    cause: 'keys for encryption cannot be used: their file, an id, a length, a topic filter, or what the key store has',
    remedy: 'see the message; a file of pre-shared keys has lines ID:KEY and mode 0600',
  },
  ERR_NO_ENCRYPTION_KEY: {
    cause: 'a message is to be encrypted or decrypted, and there is no key for it, or none yet; nothing was sent',
    remedy: 'wait until the cipher is ready; ask the owner of the topic key, or see that the peer runs',
  },
  ERR_NOT_DECRYPTED: {
    cause: 'a message does not open: it is not encrypted, was changed, or is of another topic or sender than it says',
    remedy: 'see that both sides have the same key; a sender that signs has to be verified first',
  },
  ERR_KEY_EXHAUSTED: {
    cause: 'a key has encrypted 2^32 messages of this client',
    remedy: 'rotate the topic key, agree on a new pairwise key, or hand out another pre-shared key',
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
  ERR_DH_PARAMETERS: {
    cause: 'a file with DH parameters cannot be read, holds none in PEM, or their prime is too short or too long',
    remedy: 'make one with `openssl dhparam -out dh.pem 4096`, or leave --dhparam away at both ends',
  },
  ERR_DH_PUBLIC_KEY: {
    cause: 'the other end of a Diffie-Hellman exchange sent no public key, one of another group, or a value of no use',
    remedy: 'give both ends the same --dhparam',
  },
  ERR_FERNET_MALFORMED: { cause: 'a text is not a token of Fernet', remedy: 'see what the other end sends' },
  ERR_FERNET_MAC: {
    cause: 'a token was altered, or made with another key',
    remedy: 'none for a token that is for somebody else; else do the key exchange again',
  },
  ERR_FERNET_TIME: {
    cause: 'a token is more than a minute old, or ahead: it was sent again, or a clock is wrong',
    remedy: 'set the clocks of both ends',
  },
  ERR_LINK_OPTIONS: {
    cause: 'a secure link was given a MAC key of less than 32 bytes, or a content above its limit',
    remedy: 'give both ends the same random 32 bytes, and the same `maxContentBytes`',
  },
  ERR_LINK_CUT_OFF: {
    cause: 'the other end of a secure link went away without ending it, or within a frame',
    remedy: 'nothing of the last frame is used; connect again',
  },
  ERR_LAB: {
    cause: 'a step of a lab did not show what it claims',
    remedy: 'see the message and the log of the broker: it is not set up as the lab needs it, or something is wrong',
  },
} as const satisfies Record<string, ErrorExplanation>

export type ClientErrorCode = keyof typeof clientErrors

/** Thrown by everything in `clients/`. */
export class ClientError extends CodedError<ClientErrorCode> {}
