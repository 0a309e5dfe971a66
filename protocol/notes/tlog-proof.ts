import type { CryptoProvider } from '../crypto-provider.ts'
import { verifyInclusion } from '../merkle/index.ts'
import { NoteError } from './errors.ts'
import {
  afterKeyword,
  checkedText,
  fromBase64,
  hashesOfLines,
  hashLines,
  parseDecimal,
  type TextInput,
  toBase64,
} from './note-text.ts'
import { parseSignedNote } from './signed-note.ts'
import { openCheckpointUnder, type WitnessedCheckpoint, type WitnessPolicy } from './witness-policy.ts'

const firstLine = 'c2sp.org/tlog-proof@v1'

/** Most hashes of a path: the height of a tree of 2^64 leaves. */
const maxPathLength = 64

/** That a leaf is in a log, to be verified offline (C2SP tlog-proof): the content of a `.tlog-proof` file. */
export interface TlogProof {
  /** Opaque, and not authenticated by anything; at least one byte. */
  readonly extra?: Uint8Array
  /** Of the leaf, below 2^64. */
  readonly leafIndex: bigint
  /** From the leaf's sibling to the root's child. */
  readonly path: readonly Uint8Array[]
  /** The signed note, verbatim. */
  readonly checkpoint: string
}

/** The text of a `.tlog-proof`. */
export function encodeTlogProof({ extra, leafIndex, path, checkpoint }: TlogProof): string {
  const extraLine = extra === undefined ? '' : `extra ${toBase64(extra)}\n`
  return `${firstLine}\n${extraLine}index ${leafIndex}\n${hashLines(path)}\n${checkpoint}`
}

/**
 * Strict inverse of {@link encodeTlogProof}; nothing is verified.
 * @throws {NoteError} ERR_TLOG_PROOF_MALFORMED, ERR_NOTE_MALFORMED
 */
export function parseTlogProof(input: TextInput): TlogProof {
  const text = checkedText(input)
  if (text === undefined) throw malformed('not text, or too large')
  const end = text.indexOf('\n\n')
  if (end === -1) throw malformed('no empty line')
  const [first, ...lines] = text.slice(0, end).split('\n')
  if (first !== firstLine) throw malformed('first line')
  const extraText = afterKeyword(lines[0], 'extra')
  const [indexLine, ...hashes] = extraText === undefined ? lines : lines.slice(1)
  const leafIndex = parseDecimal(afterKeyword(indexLine, 'index') ?? '')
  if (leafIndex === undefined) throw malformed('index')
  const path = hashesOfLines(hashes, maxPathLength)
  if (path === undefined) throw malformed('path')
  const checkpoint = text.slice(end + 2)
  parseSignedNote(checkpoint)
  const proof = { leafIndex, path, checkpoint }
  return extraText === undefined ? proof : { extra: parseExtra(extraText), ...proof }
}

function parseExtra(text: string): Uint8Array {
  const extra = fromBase64(text)
  if (extra === undefined || extra.length === 0) throw malformed('extra')
  return extra
}

/**
 * Verifies a proof offline: checkpoint signed by a log of the policy, cosigned as the policy demands, and the leaf in
 * its tree at the index that the proof names.
 * @param leafHash 32 bytes, of a leaf that the caller made itself from what it wants to see proved
 * @throws {NoteError} ERR_TLOG_PROOF_MALFORMED, ERR_NOTE_*, ERR_CHECKPOINT_MALFORMED, ERR_WITNESS_QUORUM_NOT_MET
 * @throws {ProtocolError} ERR_PROOF_INVALID
 */
export function verifyTlogProof(
  input: TextInput,
  leafHash: Uint8Array,
  policy: WitnessPolicy,
  crypto: CryptoProvider,
): TlogProof & { readonly opened: WitnessedCheckpoint } {
  const proof = parseTlogProof(input)
  const opened = openCheckpointUnder(policy, proof.checkpoint)
  const { treeSize, rootHash } = opened.checkpoint
  verifyInclusion({ leafIndex: proof.leafIndex, treeSize, path: proof.path }, leafHash, rootHash, crypto)
  return { ...proof, opened }
}

function malformed(what: string): NoteError {
  return new NoteError('ERR_TLOG_PROOF_MALFORMED', `not a .tlog-proof: ${what}`)
}
