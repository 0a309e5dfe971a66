/** Why a witness has not cosigned the newest checkpoint. */
export const witnessTroubles = {
  unreachable: 'it cannot be reached, or its certificate is not trusted',
  timeout: 'it did not answer in time',
  'unexpected-status': 'it answered with a status that no witness answers with',
  'malformed-answer': 'its answer is none of a witness, or too large',
  malformed: 'it took the request for malformed (400)',
  untrusted: 'it does not trust the key of this log (403)',
  'unknown-log': 'it does not follow this log (404)',
  busy: 'somebody else submits checkpoints of this log at the same time (409 twice)',
  ahead: 'it cosigned a larger tree of this log than there is: the log was rolled back (409)',
  inconsistent: 'it cosigned another tree of this log: the log was forked (422)',
  'wrong-signature': 'what it answered is not its signature of this checkpoint',
  'no-cosignature': 'it answered without a cosignature by the configured key',
  store: 'the store could not read the tree or take the cosignature',
} as const

export type WitnessTrouble = keyof typeof witnessTroubles

/** Troubles that are proof, to the witness, that this log is not append-only. */
export function isProofAgainstLog(trouble: WitnessTrouble): boolean {
  return trouble === 'ahead' || trouble === 'inconsistent'
}

/** Ends one attempt to get a cosignature. */
export class WitnessAttemptFailed extends Error {
  readonly trouble: WitnessTrouble

  constructor(trouble: WitnessTrouble, cause?: unknown) {
    super(witnessTroubles[trouble], { cause })
    this.name = 'WitnessAttemptFailed'
    this.trouble = trouble
  }
}
