import {
  ed25519NoteVerifier,
  type NotaryKeyHistory,
  NoteError,
  noteKeyType,
  type OpenedCheckpoint,
  openCheckpoint,
  type P256PublicKey,
  parseCheckpointText,
  parseSignedNote,
  verifierKey,
} from '../../protocol/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'

/** Whose checkpoints are believed: a log and all keys that it has, or had. */
export interface LogIdentity {
  readonly origin: string
  readonly brokerKeys: readonly P256PublicKey[]
  /** Ed25519, 32 bytes each. */
  readonly logKeys: readonly Uint8Array[]
}

export function identityOf(origin: string, { brokers, logs }: NotaryKeyHistory): LogIdentity {
  return { origin, brokerKeys: brokers.map(({ key }) => key), logKeys: logs.map(({ key }) => key) }
}

/**
 * The log that a note names; whether that log signed it is not asked.
 * @param place where the note was kept, for messages
 * @throws {PluginError} ERR_ANCHOR_OTHER_LOG, ERR_ANCHOR_INVALID
 */
export function logOf(note: string, logs: readonly LogIdentity[], place: string): LogIdentity {
  const { origin } = refusing(place, () => parseCheckpointText(parseSignedNote(note).text))
  const log = logs.find((one) => one.origin === origin)
  if (log !== undefined) return log
  const names = logs.map((one) => one.origin).join(' or ')
  throw new PluginError('ERR_ANCHOR_OTHER_LOG', `${place} holds a checkpoint of the log ${origin}, not of ${names}`)
}

/**
 * Reads a kept checkpoint that its log signed, with any key that it ever had.
 * @throws {PluginError} ERR_ANCHOR_INVALID
 */
export function openKept(note: string, { origin, logKeys }: LogIdentity, place: string): OpenedCheckpoint {
  const verifiers = logKeys.map((key) =>
    ed25519NoteVerifier(verifierKey(origin, noteKeyType.ed25519, key, nativeCrypto), nativeCrypto),
  )
  return refusing(place, () => openCheckpoint(note, verifiers))
}

function refusing<T>(place: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause
    throw new PluginError('ERR_ANCHOR_INVALID', `${place} holds no checkpoint that this log signed`, {}, cause)
  }
}
