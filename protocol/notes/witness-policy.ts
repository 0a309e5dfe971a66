import { type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts'
import { NoteError } from './errors.ts'
import type { TextInput } from './note-text.ts'
import type { NoteVerifier } from './signed-note.ts'
import type { VerifierKey } from './verifier-key.ts'

/** A log whose checkpoints are accepted. */
export interface PolicyLog {
  readonly verifier: NoteVerifier
  readonly url?: string
}

/** A witness whose cosignature counts. */
export interface PolicyWitness {
  /** Within the policy only; the key has a name of its own. */
  readonly name: string
  readonly key: VerifierKey
  /** Undefined for a type of key that cannot be verified here: it never counts as having cosigned. */
  readonly verifier: NoteVerifier | undefined
  /** Submission prefix (C2SP tlog-witness). */
  readonly url?: string
}

/** Names of which so many must have cosigned; each is a witness or a group before this one. */
export interface PolicyGroup {
  readonly name: string
  /** From 1 to the number of members. */
  readonly threshold: number
  readonly members: readonly string[]
}

/** Which logs to trust, and how many of which witnesses must have cosigned (C2SP tlog-policy). */
export interface WitnessPolicy {
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  /** In the order of their lines. */
  readonly groups: readonly PolicyGroup[]
  /** Name of a witness or group; undefined when no cosignature is needed. */
  readonly quorum: string | undefined
}

/** A checkpoint that a log of the policy signed, with who cosigned it. */
export interface WitnessedCheckpoint extends OpenedCheckpoint {
  /** Names of witnesses, as the policy has them. */
  readonly cosignedBy: ReadonlySet<string>
}

/** Whether these witnesses are enough. @param cosignedBy names as the policy has them */
export function isQuorumMet({ groups, quorum }: WitnessPolicy, cosignedBy: ReadonlySet<string>): boolean {
  if (quorum === undefined) return true
  // Groups name what stands before them only, so one pass in order decides all of them.
  const met = new Set(cosignedBy)
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => met.has(member)).length >= threshold) met.add(name)
  }
  return met.has(quorum)
}

/**
 * Opens a checkpoint of one of the policy's logs and tells which of its witnesses cosigned it, enough or not.
 * @throws {NoteError} as {@link openCheckpoint}
 */
export function openWitnessed(policy: WitnessPolicy, input: TextInput): WitnessedCheckpoint {
  const logs = policy.logs.map(({ verifier }) => verifier)
  const witnesses = policy.witnesses.flatMap(({ verifier }) => (verifier === undefined ? [] : [verifier]))
  const opened = openCheckpoint(input, logs, witnesses)
  const signers = new Set(opened.verified.map(({ key }) => key))
  const cosigned = policy.witnesses.filter(({ key }) => signers.has(key))
  return { ...opened, cosignedBy: new Set(cosigned.map(({ name }) => name)) }
}

/**
 * As {@link openWitnessed}, demanding the quorum.
 * @throws {NoteError} ERR_WITNESS_QUORUM_NOT_MET too
 */
export function openCheckpointUnder(policy: WitnessPolicy, input: TextInput): WitnessedCheckpoint {
  const opened = openWitnessed(policy, input)
  if (!isQuorumMet(policy, opened.cosignedBy)) {
    throw new NoteError('ERR_WITNESS_QUORUM_NOT_MET', 'too few witnesses cosigned the checkpoint', {
      cosigned: opened.cosignedBy.size,
      quorum: policy.quorum,
    })
  }
  return opened
}
