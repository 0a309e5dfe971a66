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
  ERR_VERIFY_STOPPED: {
    cause: 'whoever asked for a verification is gone, or stopped it',
    remedy: 'ask again; nothing was changed',
  },
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
    cause: 'the end of the chain does not fit the state that was written with it, or a block is missing',
    remedy: 'run `notarymq audit verify --db DIR`; restore the directory from a backup',
  },
  ERR_CHAIN_ROLLED_BACK: {
    cause:
      'the chain ends before the header kept in the head file, or before a checkpoint kept in an anchor or by a witness',
    remedy:
      'restore the newest store: accepted publishes are missing from this one. Where there is none, `notarymq audit recover` (docs/recovery.md)',
  },
  ERR_CHAIN_FORKED: {
    cause:
      'the chain holds another block than the one in the head file, or other records than a kept checkpoint covers',
    remedy:
      'restore the store that belongs to head file and anchor; else see `notarymq audit recover` (docs/recovery.md)',
  },
  ERR_RECOVERY_UNFINISHED: {
    cause: 'a recovery was interrupted: the new log lies in `next-log/` of the data directory',
    remedy: 'run `notarymq audit recover --open-new-log` again, which brings it to its end',
  },
  ERR_RECOVERY_NOT_NEEDED: {
    cause: 'the chain would start as it is',
    remedy: 'name with --anchor what it contradicts, or start the broker',
  },
  ERR_RECOVERY_NO_CHECKPOINT: {
    cause: 'neither store nor anchors have a checkpoint of the old log that a new one could continue',
    remedy: 'nothing was ever published of it: move its data directory aside, and start with an empty one',
  },
  ERR_ANCHOR_MISSING: {
    cause: 'a file named by notary_anchor was written before, and is gone',
    remedy:
      'mount the disk that it is on, or bring the file back; `notarymq audit recover --db DIR --anchor PATH --forget-anchor` goes on without it',
  },
  ERR_ANCHOR_UNREADABLE: {
    cause: 'a file named by notary_anchor cannot be read, or the directory that it is to be in does not exist',
    remedy: 'mount the disk, make the directory, or let the broker read the file',
  },
  ERR_ANCHOR_INVALID: {
    cause:
      'what an anchor or a witness kept is not a checkpoint that this log signed, or the broker did not sign the anchor',
    remedy: 'bring the anchor back from where it was copied to; see who can write there (docs/recovery.md)',
  },
  ERR_ANCHOR_OTHER_LOG: {
    cause: 'what an anchor or a witness kept is of another log than the chain in the data directory',
    remedy: 'give each broker an anchor of its own; or restore the data directory that belongs to this one',
  },
  ERR_ANCHOR_WRITE_FAILED: {
    cause:
      'an anchor could not be written; no checkpoint is published until it can, publishes are accepted all the same',
    remedy: 'look at the disk that notary_anchor names; the next checkpoint tries again',
  },
  ERR_QUERY_INDEX: {
    cause: 'a part of the index for queries is damaged, or cannot be built from the chain',
    remedy: 'nothing: queries read the chain itself there; when it comes back, verify the chain and look at the disk',
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
  ERR_WITNESS_STATE_LOST: {
    cause: 'the key of a witness was used before, and the directory does not know what it cosigned',
    remedy: 'give the directory that belongs to it, or begin anew with another key: this one could contradict itself',
  },
  ERR_WITNESS_KEY_MISMATCH: {
    cause: 'the directory of a witness belongs to another key or another name',
    remedy: 'give the key and the name that it was begun with, or another directory',
  },
  ERR_BACKUP_EXISTS: {
    cause: 'what a backup is to be made as is there already',
    remedy: 'give another name; nothing is ever written over a backup',
  },
  ERR_BACKUP_FAILED: {
    cause: 'a backup could not be made: no right to its directory, or the requester or the store was gone',
    remedy: 'see the cause in the log; nothing is left of it, and it can be tried again',
  },
  ERR_BACKUP_NO_ROOM: {
    cause: 'the disk that a backup goes to has less room than the store takes, or less than notary_min_free is left',
    remedy: 'make room there, let old backups go, or name another disk with notary_backup; nothing is left of it',
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
