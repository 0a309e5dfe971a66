/** Everything that verification can find wrong with a chain, and what it means. */
export const chainFaults = {
  'malformed-block': 'the stored value is not a block',
  'missing-block': 'a block that the ones after it follow is not there',
  'misplaced-block': 'a block stands where its own header says it does not belong',
  'header-signature-invalid': 'the broker did not sign this header',
  'previous-hash-mismatch': 'the header links to another block than the one before it',
  'header-inconsistent': 'count, tree size or time of the header do not fit the block or the one before it',
  'leaf-mismatch': 'a leaf is not the one that the signed root covers',
  'record-mismatch': 'a record or its salt is not what its leaf commits to',
  'root-mismatch': 'the leaves do not lead to the signed root',
  'record-malformed': 'a record that its leaf covers does not follow the format',
  'payload-mismatch': 'a payload body is not the one that its record names',
  'genesis-invalid':
    'the first record is not a genesis record, or the chain never leads to the broker key that is trusted',
  'key-event-invalid': 'a key event contradicts the ones before it',
  'signer-not-valid': 'a record counts as signed by a key that was not enrolled, revoked or retired at its index',
  'signer-restricted': 'a key signed for a topic, or was used by a client or user, that its restrictions do not admit',
  'signature-invalid': 'the signature of a publish or a key exchange does not verify over what its record says',
  'seq-repeated': 'one key signed two accepted publishes under one sequence number, or one below the window',
  'seq-reuse-invalid': 'a seq-reuse record does not show two contents that its key signed under one sequence number',
  'erasure-invalid': 'an erasure record names what does not lie below it, or a key that was never enrolled',
  'erased-unannounced': 'a record or a payload is gone, and no erasure record of the chain says so',
  'recovery-invalid': 'a recovery record in a log that continues no other, or after an enrolment',
  'truncated-below-head': 'the chain ends before the newest header that was kept outside it',
  'differs-from-head': 'the chain holds another block than the header that was kept outside it',
  'head-invalid': 'the kept header is not one that the broker signed',
} as const

export type ChainFault = keyof typeof chainFaults

/** What a store can have wrong beside its chain. */
export const storeFaults = {
  'tile-mismatch': 'a stored tile does not have the hashes of the leaves below it',
  'tile-missing': 'a tile that the tree has filled is not stored',
  'checkpoint-invalid': 'a checkpoint that was kept is not one that the log signed',
  'checkpoint-mismatch': 'the chain has not, or not as they were, the records that a kept checkpoint covers',
  'reference-dangling': 'a queued or retained message refers to a record that is not there',
} as const

export type StoreFault = keyof typeof storeFaults

/** Everything that `audit verify` can find wrong. */
export const verifyFaults = { ...chainFaults, ...storeFaults } as const

export type VerifyFault = keyof typeof verifyFaults

/** Something beside the chain that does not fit it. */
export interface StoreFinding {
  readonly cause: StoreFault
  /** Height of the block that tells. */
  readonly block: number
  /** First leaf below the tile; the record that is referred to. */
  readonly index: number
  /** Which tile, checkpoint, queue or topic. */
  readonly place: string
}

/** The first thing found wrong. */
export interface ChainFinding {
  readonly cause: ChainFault
  /** Height of the block. */
  readonly block: number
  /** Index of the record; of the block's first one when the block as a whole is meant. */
  readonly index: number
}
