import {
  addCheckpointStatus,
  type Checkpoint,
  encodeAddCheckpoint,
  NoteError,
  parseCheckpointText,
  parseSignedNote,
} from '../../protocol/index.ts'
import type { Witness } from './witness.ts'

/** A log that a witness asks, where HTTP has it the other way round. */
export interface FollowedLog {
  /** Hashes of the proof that one tree extends the other, attacker-controlled. */
  consistencyPath(from: number, to: number): Promise<readonly Uint8Array[]>
  /** Takes signature lines for the checkpoint of this size. */
  takeCosignature(treeSize: number, lines: string): Promise<void>
}

/**
 * Cosigns a checkpoint that a log published, under the same rules as one that was submitted, and gives the log the
 * cosignature.
 * @param note attacker-controlled
 * @returns why it was not cosigned; undefined when it was
 * @throws {PluginError} ERR_STORE_FAILED; and what the log throws
 */
export async function cosignPublished(
  witness: Witness,
  note: Uint8Array,
  log: FollowedLog,
): Promise<string | undefined> {
  let checkpoint: Checkpoint
  try {
    checkpoint = parseCheckpointText(parseSignedNote(note).text)
  } catch (error) {
    if (error instanceof NoteError) return error.message
    throw error
  }
  const { origin, treeSize } = checkpoint
  // A proof can be asked for these only; no log of ours has more records.
  if (treeSize > BigInt(Number.MAX_SAFE_INTEGER)) return 'the tree is too large'
  const oldSize = await witness.lastSize(origin)
  // From where there is nothing to prove, or the other way round, the witness says by itself what is wrong.
  const hasProof = oldSize > 0n && oldSize < treeSize
  const path = hasProof ? await log.consistencyPath(Number(oldSize), Number(treeSize)) : []
  const text = new TextDecoder().decode(note)
  const request = { oldSize: oldSize > treeSize ? 0n : oldSize, path, checkpoint: text }
  const { status, body } = await witness.answer(encodeAddCheckpoint(request))
  if (status === addCheckpointStatus.conflict) return `it is of ${treeSize} records, and ${oldSize} were cosigned`
  if (status !== addCheckpointStatus.cosigned) return body.trimEnd()
  await log.takeCosignature(Number(treeSize), body)
  return undefined
}
