import { bytesEqual } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { emptyRoot, verifyConsistency } from '../merkle/index.ts'
import type { TreeHead } from './checkpoint.ts'
import { NoteError } from './errors.ts'
import { afterKeyword, checkedText, hashesOfLines, hashLines, parseDecimal, type TextInput } from './note-text.ts'
import {
  encodeSignedNote,
  type NoteVerifier,
  parseSignatureLines,
  parseSignedNote,
  verifiedSignatures,
} from './signed-note.ts'
import { isKeyOf } from './verifier-key.ts'

// The bodies of `POST <submission prefix>/add-checkpoint` (C2SP tlog-witness); how they travel is not known here.

/** HTTP status codes of the answers. */
export const addCheckpointStatus = {
  /** Signature lines. */
  cosigned: 200,
  /** Not a request, or its old size is beyond that of the checkpoint. */
  malformed: 400,
  /** No signature by a key of the log. */
  untrusted: 403,
  /** A log that the witness does not follow. */
  unknownOrigin: 404,
  /** The old size is not that of the checkpoint cosigned last: the body has its size. */
  conflict: 409,
  /** The trees are not consistent. */
  inconsistent: 422,
} as const

/** Content-Type of the answer 409. */
export const treeSizeContentType = 'text/x.tlog.size'

const maxProofLines = 63

/** What a log asks of a witness. */
export interface AddCheckpointRequest {
  /** Size of the checkpoint that the witness cosigned last; 0 when it never did, or the log does not know. */
  readonly oldSize: bigint
  /** From the tree of the old size to that of the checkpoint; empty from size 0. At most 63 hashes. */
  readonly path: readonly Uint8Array[]
  /** The signed note. */
  readonly checkpoint: string
}

/** The body of a request. */
export function encodeAddCheckpoint({ oldSize, path, checkpoint }: AddCheckpointRequest): string {
  return `old ${oldSize}\n${hashLines(path)}\n${checkpoint}`
}

/**
 * Strict inverse of {@link encodeAddCheckpoint}; nothing is verified, the checkpoint is not even parsed beyond its form
 * as a note.
 * @throws {NoteError} ERR_WITNESS_MESSAGE_MALFORMED, ERR_NOTE_MALFORMED
 */
export function parseAddCheckpoint(input: TextInput): AddCheckpointRequest {
  const body = checkedText(input)
  if (body === undefined) throw malformed('not text, or too large')
  const end = body.indexOf('\n\n')
  if (end === -1) throw malformed('no empty line')
  const [oldLine, ...hashes] = body.slice(0, end).split('\n')
  const oldSize = parseDecimal(afterKeyword(oldLine, 'old') ?? '')
  if (oldSize === undefined) throw malformed('old size')
  const path = hashesOfLines(hashes, maxProofLines)
  if (path === undefined) throw malformed('path')
  const checkpoint = body.slice(end + 2)
  parseSignedNote(checkpoint)
  return { oldSize, path, checkpoint }
}

/**
 * Verifies that the tree of a request extends the one that the witness cosigned last. From size 0, which the proofs of
 * RFC 9162 do not have, everything follows with an empty path.
 * @param oldRoot root of the tree of the old size; not used when that is 0
 * @throws {ProtocolError} ERR_PROOF_INVALID
 */
export function verifySubmittedTree(
  { oldSize, path }: Pick<AddCheckpointRequest, 'oldSize' | 'path'>,
  oldRoot: Uint8Array,
  { treeSize, rootHash }: TreeHead,
  crypto: CryptoProvider,
): void {
  if (treeSize === 0n && !bytesEqual(rootHash, emptyRoot(crypto))) throw inconsistent('not the root of the empty tree')
  if (oldSize > 0n) verifyConsistency({ size1: oldSize, size2: treeSize, path }, oldRoot, rootHash, crypto)
  else if (path.length > 0) throw inconsistent('a path from the empty tree')
}

/** The body of an answer 409. @param treeSize of the checkpoint cosigned last */
export function encodeTreeSize(treeSize: bigint): string {
  return `${treeSize}\n`
}

/** @throws {NoteError} ERR_WITNESS_MESSAGE_MALFORMED */
export function parseTreeSize(input: TextInput): bigint {
  const body = checkedText(input)
  const treeSize = body?.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : undefined
  if (treeSize === undefined) throw malformed('not a size')
  return treeSize
}

/**
 * The checkpoint with the cosignatures of known witnesses that an answer 200 holds, each verified; a newer one takes the
 * place of one that the same key made before. Lines of unknown keys are left out.
 * @throws {NoteError} ERR_NOTE_MALFORMED, ERR_NOTE_SIGNATURE_INVALID; ERR_WITNESS_MESSAGE_MALFORMED when the answer is
 *   no text
 */
export function withCosignatures(checkpoint: string, answer: TextInput, witnesses: readonly NoteVerifier[]): string {
  const lines = checkedText(answer)
  if (lines === undefined) throw malformed('not text, or too large')
  const note = parseSignedNote(checkpoint)
  const added = verifiedSignatures(note.text, parseSignatureLines(lines), witnesses)
  const kept = note.signatures.filter((signature) => !added.some(({ key }) => isKeyOf(key, signature)))
  return encodeSignedNote({ text: note.text, signatures: [...kept, ...added] })
}

function malformed(what: string): NoteError {
  return new NoteError('ERR_WITNESS_MESSAGE_MALFORMED', `add-checkpoint: ${what}`)
}

function inconsistent(why: string): ProtocolError {
  return new ProtocolError('ERR_PROOF_INVALID', `Merkle proof: ${why}`)
}
