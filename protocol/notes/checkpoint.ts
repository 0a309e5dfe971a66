import { hashBytes } from '../merkle/index.ts'
import { NoteError } from './errors.ts'
import { hashOfLine, parseDecimal, type TextInput, toBase64 } from './note-text.ts'
import { type NoteSigner, type NoteVerifier, type OpenedNote, openNote, signNote } from './signed-note.ts'
import { isKeyName } from './verifier-key.ts'

/** One state of a log: how many leaves, and the root over them. */
export interface TreeHead {
  /** Below 2^64. */
  readonly treeSize: bigint
  /** 32 bytes. */
  readonly rootHash: Uint8Array
}

/** What a log states of itself (C2SP tlog-checkpoint). */
export interface Checkpoint extends TreeHead {
  /** Name of the log, and of the keys that sign for it. */
  readonly origin: string
  /** Lines beyond the three; nobody audits them, and we write none. */
  readonly extensions: readonly string[]
}

/** A checkpoint that its log signed. */
export interface OpenedCheckpoint extends OpenedNote {
  readonly checkpoint: Checkpoint
}

/**
 * The text that is signed: origin, size and root hash, each with its LF.
 * @throws {RangeError} for what no checkpoint can say
 */
export function checkpointText({ origin, treeSize, rootHash }: Omit<Checkpoint, 'extensions'>): string {
  if (!isKeyName(origin) || rootHash.length !== hashBytes || parseDecimal(`${treeSize}`) === undefined) {
    throw new RangeError('a checkpoint has an origin that is a key name, a size below 2^64 and a root of 32 bytes')
  }
  return `${origin}\n${treeSize}\n${toBase64(rootHash)}\n`
}

/**
 * Reads the text of a checkpoint.
 * @throws {NoteError} ERR_CHECKPOINT_MALFORMED
 */
export function parseCheckpointText(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw malformed('the last line does not end')
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n')
  // Our rule is stricter than C2SP's, which only recommends it: whoever signs is named by the origin.
  if (!isKeyName(origin)) throw malformed('origin')
  const treeSize = parseDecimal(size)
  if (treeSize === undefined) throw malformed('size')
  const rootHash = hashOfLine(root)
  if (rootHash === undefined) throw malformed('root hash')
  if (extensions.includes('')) throw malformed('an empty line')
  return { origin, treeSize, rootHash, extensions }
}

/** Signs a checkpoint; the signer's name must be the origin. Whether it is consistent with earlier ones is for the caller. */
export function signCheckpoint(checkpoint: Omit<Checkpoint, 'extensions'>, signer: NoteSigner): string {
  if (signer.key.name !== checkpoint.origin) throw new RangeError('a log signs under its origin')
  return signNote(checkpointText(checkpoint), [signer])
}

/**
 * Opens a checkpoint that its log signed, and verifies the cosignatures of known witnesses beside it.
 * @throws {NoteError} ERR_NOTE_*: see {@link openNote}, and ERR_NOTE_UNTRUSTED when no key of the origin's name signed;
 *   ERR_CHECKPOINT_MALFORMED
 */
export function openCheckpoint(
  input: TextInput,
  logs: readonly NoteVerifier[],
  witnesses: readonly NoteVerifier[] = [],
): OpenedCheckpoint {
  const note = openNote(input, [...logs, ...witnesses])
  const checkpoint = parseCheckpointText(note.text)
  const isOfLog = note.verified.some(({ key }) => key.name === checkpoint.origin && logs.some((log) => log.key === key))
  if (!isOfLog) throw new NoteError('ERR_NOTE_UNTRUSTED', 'the log did not sign the checkpoint')
  return { ...note, checkpoint }
}

function malformed(what: string): NoteError {
  return new NoteError('ERR_CHECKPOINT_MALFORMED', `not a checkpoint: ${what}`)
}
