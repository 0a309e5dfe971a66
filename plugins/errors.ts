import { CodedError, type ErrorExplanation } from '../protocol/coded-error.ts'

/** Every code that `plugins/` throws, with when it happens and what to do. */
export const pluginErrors = {
  ERR_STORE_LOCKED: {
    cause: 'another process has this data directory open',
    remedy: 'stop it, or give this one another persistence_location',
  },
  ERR_STORE_FORMAT_UNKNOWN: {
    cause: 'the store was written by another version of NotaryMQ, or is not one of ours',
    remedy: 'run the version that wrote it, or use an empty directory',
  },
  ERR_STORE_FAILED: {
    cause: 'reading or writing the store failed; after a write it is unknown what is there',
    remedy: 'look at the disk, then restart: the start compares heights and links',
  },
  ERR_STORE_NOT_FOUND: { cause: 'there is no chain in this directory', remedy: 'name the data directory of a broker' },
  ERR_CHAIN_CLOSED: { cause: 'the chain is closed or has failed', remedy: 'open it again' },
  ERR_CHAIN_KEY_MISMATCH: {
    cause: 'the keys in the data directory are not the ones that the chain names, by its genesis record or a rotation',
    remedy: 'restore keys/ from where the data directory came from',
  },
  ERR_CHAIN_ORIGIN_MISMATCH: {
    cause: 'the configured origin is not the one of the genesis record',
    remedy: 'a log keeps its name: remove notary_origin, or use another data directory',
  },
  ERR_CHAIN_DAMAGED: {
    cause: 'the end of the chain does not fit the state that was written with it',
    remedy: 'run `notarymq audit verify --db DIR`; restore the directory from a backup',
  },
  ERR_CHAIN_ROLLED_BACK: {
    cause: 'the chain ends before the header kept in the head file',
    remedy: 'restore the newest store; accepted publishes are missing from this one',
  },
  ERR_CHAIN_FORKED: {
    cause: 'the chain holds another block than the one in the head file',
    remedy: 'restore the store that belongs to this head file',
  },
  ERR_KEY_FILE: { cause: 'a key file cannot be read or is not a key of the expected kind', remedy: 'see the message' },
  ERR_KEY_PASSPHRASE: {
    cause:
      'a private key of the broker is protected by a passphrase, and none was given, another one, or none that can be read',
    remedy: 'see notary_key_passphrase_file and the systemd credential notarymq-passphrase (docs/keys.md)',
  },
  ERR_KEY_EXISTS: {
    cause: 'the key was enrolled before, under another name or since revoked',
    remedy: 'use the first name; a revoked key stays revoked, make a new one',
  },
  ERR_KEY_NAME_TAKEN: {
    cause: 'another key of this log has the name',
    remedy: 'choose another name; a name is given once per log',
  },
  ERR_KEY_KID_COLLISION: {
    cause: 'another key has the same first 8 bytes of thumbprint',
    remedy: 'make another key',
  },
  ERR_KEY_RESERVED: {
    cause: 'the key is, or was, one that the broker signs its blocks with',
    remedy: 'give each publisher, and each role, a key of its own',
  },
  ERR_KEY_NOT_FOUND: { cause: 'no enrolled key has this kid', remedy: 'list the keys' },
  ERR_KEY_AMBIGUOUS: { cause: 'more than one key has this prefix', remedy: 'give more digits' },
  ERR_KEY_REVOKED: {
    cause: 'a revoked key cannot be restricted or retired any more',
    remedy: 'nothing is left to do: it is refused already',
  },
  ERR_KEY_RESTRICTIONS: {
    cause: 'restrictions of a key are not what the format admits',
    remedy: 'see the message: lists of 1 to 256 entries, a window of 64 to 65536, clock none, gateway true',
  },
  ERR_KEY_PROOF: {
    cause: 'a proof of possession was not made by the key, or not for this log',
    remedy: 'sign the origin of this log with the private half of the key',
  },
  ERR_SNAPSHOT_INVALID: {
    cause: 'a snapshot of keys and sequence numbers is damaged, not signed by the broker, or of another chain',
    remedy: 'nothing: it is not used, the start walks the chain and writes another; see who can write to the disk',
  },
  ERR_KEY_NAME_INVALID: {
    cause: 'a key name is empty, longer than 255 bytes or holds control characters',
    remedy: 'choose a plain name',
  },
  ERR_CHECKPOINT_MISSING: {
    cause: 'the store has no checkpoint, which is what an export is made of',
    remedy: 'start the broker and stop it in order: it signs one then',
  },
  ERR_EXPORT_DIRECTORY: {
    cause:
      'the directory of an export cannot be used: something else is in it, an export of another log, or no right to it',
    remedy: 'name an empty directory, or the one that this log was exported to before',
  },
  ERR_EXPORT_CONFLICT: {
    cause: 'the checkpoint in an export is not of this chain: the chain was rolled back, or two of them have one key',
    remedy: 'keep the export: its checkpoint is the evidence; see how the data directory was restored',
  },
} as const satisfies Record<string, ErrorExplanation>

export type PluginErrorCode = keyof typeof pluginErrors

/** Thrown by everything in `plugins/`. */
export class PluginError extends CodedError<PluginErrorCode> {}
