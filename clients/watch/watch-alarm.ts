/** What a watcher can find, and what it means. */
export const watchAlarms = {
  'bad-signature': 'the log shows a checkpoint that its key did not sign',
  rollback: 'the log shows a smaller tree than before: it was rolled back, or somebody serves an old copy',
  fork: 'the log signed two trees of which neither extends the other',
  'root-mismatch': 'the leaves that are served do not lead to the root that the log signed',
  'proof-invalid': 'the log does not prove that its tree extends the one before',
  unreachable: 'no checkpoint that could be checked came for longer than is allowed',
  stale: 'the log has not grown for longer than is allowed',
} as const

export type WatchAlarmCause = keyof typeof watchAlarms

/** Something that must not be: thrown by a watcher. The notes in it are signed, so that they prove it to others. */
export class WatchAlarm {
  readonly cause: WatchAlarmCause
  /** What was shown before; undefined at the first look. */
  readonly kept: string | undefined
  /** What is shown now. */
  readonly received: string | undefined
  /** Of a fork: that the newer tree begins with another one than the older. */
  readonly proof: ForkProof | undefined

  constructor(cause: WatchAlarmCause, kept?: string, received?: string, proof?: ForkProof) {
    this.cause = cause
    this.kept = kept
    this.received = received
    this.proof = proof
  }
}

/** A consistency proof (RFC 9162 section 2.1.4) from what the newer tree begins with: not the root that was signed. */
export interface ForkProof {
  /** Root of the newer tree's first leaves, as many as the older tree has; base64url. */
  readonly prefixRoot: string
  readonly path: readonly string[]
}
