import type { CborValue } from '../cbor/index.ts'
import {
  coseKeyOfEd25519,
  coseKeyOfP256,
  ed25519FromCoseKey,
  type P256PublicKey,
  p256FromCoseKey,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import {
  type Checkpoint,
  ed25519NoteVerifier,
  NoteError,
  noteKeyType,
  openCheckpoint,
  parseCheckpointText,
  parseSignedNote,
  verifierKey,
} from '../notes/index.ts'
import type { HighestSeqs } from './highest-seqs.ts'

/** The log that another one continues after a recovery. */
export interface Predecessor {
  /** Its last checkpoint: a signed note (C2SP tlog-checkpoint). */
  readonly note: string
  /** Its broker key, the one known last. */
  readonly brokerKey: P256PublicKey
  /** The key that signed the checkpoint, Ed25519, 32 bytes. */
  readonly logKey: Uint8Array
}

/** What a log knows of the one that it continues. */
export interface LogBefore {
  readonly continues: Predecessor
  /** The numbers that keys used there: the same and lower ones are too old. */
  readonly used: HighestSeqs
}

const member = { note: 1, brokerKey: 2, logKey: 3 } as const

export function predecessorToCbor({ note, brokerKey, logKey }: Predecessor): CborValue {
  return new Map<number, CborValue>([
    [member.note, note],
    [member.brokerKey, coseKeyOfP256(brokerKey)],
    [member.logKey, coseKeyOfEd25519(logKey)],
  ])
}

/**
 * Reads it, with the signature of its log.
 * @throws {ProtocolError} ERR_RECORD_MALFORMED, ERR_KEY_UNSUPPORTED, ERR_KEY_INVALID
 */
export function predecessorFromCbor(value: CborValue, crypto: CryptoProvider): Predecessor {
  if (!(value instanceof Map) || value.size !== 3) throw malformed()
  const note = value.get(member.note)
  if (typeof note !== 'string') throw malformed()
  const predecessor = {
    note,
    brokerKey: p256FromCoseKey(value.get(member.brokerKey) ?? null, crypto),
    logKey: ed25519FromCoseKey(value.get(member.logKey) ?? null),
  }
  checkpointOf(predecessor, crypto)
  return predecessor
}

/** Where the log ended. @throws {ProtocolError} ERR_RECORD_MALFORMED: it did not sign that */
export function checkpointOf({ note, logKey }: Predecessor, crypto: CryptoProvider): Checkpoint {
  try {
    const { origin } = parseCheckpointText(parseSignedNote(note).text)
    const key = verifierKey(origin, noteKeyType.ed25519, logKey, crypto)
    return openCheckpoint(note, [ed25519NoteVerifier(key, crypto)]).checkpoint
  } catch (cause) {
    if (cause instanceof NoteError) throw malformed(cause)
    throw cause
  }
}

function malformed(cause?: unknown): ProtocolError {
  return new ProtocolError('ERR_RECORD_MALFORMED', 'not a log that is continued', {}, cause)
}
