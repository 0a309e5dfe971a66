import { CodedError, type ErrorExplanation } from '../coded-error.ts'

/** Every code that `protocol/notes/` throws beside those of Merkle proofs. */
export const noteErrors = {
  ERR_NOTE_MALFORMED: {
    cause: 'not a signed note (C2SP signed-note), or larger than is admitted',
    remedy: 'send text, an empty line and signature lines, in UTF-8',
  },
  ERR_NOTE_KEY_INVALID: {
    cause:
      'not a verifier key, a key id that is not that of its key, an Ed25519 key of small order, or two keys of one name and id',
    remedy: 'copy the line of the verifier key again, whole',
  },
  ERR_NOTE_SIGNATURE_INVALID: {
    cause: 'a key that is trusted did not sign this text, though the note says so',
    remedy: 'ask for the note again; distrust its source if it stays',
  },
  ERR_NOTE_UNTRUSTED: {
    cause: 'no trusted key signed the note, or for a checkpoint none of the name of its log',
    remedy: 'give the verifier key of the log, under the name that its checkpoints begin with',
  },
  ERR_CHECKPOINT_MALFORMED: {
    cause: 'the text of a note is not a checkpoint (C2SP tlog-checkpoint)',
    remedy: 'send origin, size and root hash, a line each',
  },
  ERR_TLOG_PROOF_MALFORMED: {
    cause: 'not a .tlog-proof (C2SP tlog-proof), or larger than is admitted',
    remedy: 'ask for the proof again',
  },
  ERR_WITNESS_POLICY_INVALID: {
    cause:
      'a line of a witness policy (C2SP tlog-policy) cannot be followed, which the error names; or it is no text at all',
    remedy: 'mend that line',
  },
  ERR_WITNESS_QUORUM_NOT_MET: {
    cause: 'fewer witnesses cosigned the checkpoint than the policy demands',
    remedy: 'wait for a checkpoint with more cosignatures',
  },
  ERR_WITNESS_MESSAGE_MALFORMED: {
    cause: 'not a request or an answer of add-checkpoint (C2SP tlog-witness)',
    remedy: 'see the specification; both sides send lines that end in LF',
  },
} as const satisfies Record<string, ErrorExplanation>

export type NoteErrorCode = keyof typeof noteErrors

/** Thrown by everything in `protocol/notes/`: texts that are not what they should be, or not signed by whom they should. */
export class NoteError extends CodedError<NoteErrorCode> {}
