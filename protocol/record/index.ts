export { decodeRecord, encodeRecord, recordField, writeRecord } from './codec.ts'
export { type ConfigEvent, type ConfigOccasion, configRecord, parseConfig } from './config-record.ts'
export {
  type Damage,
  type DamageCause,
  type DamagedTile,
  damageCauses,
  damageRecord,
  parseDamage,
} from './damage-record.ts'
export {
  compareBytes,
  type Erasable,
  type ErasedSeq,
  type ErasureEvent,
  erasureRecord,
  maxErasureRanges,
  maxErasureReasonBytes,
  maxErasureSeqs,
  mayBeErased,
  parseErasure,
  tookSeq,
} from './erasure-record.ts'
export { chainFormatVersion, type Genesis, genesisRecord, parseGenesis } from './genesis.ts'
export { decodeHighestSeqs, encodeHighestSeqs, type HighestSeqs, type KeySeq, keySeqsOf } from './highest-seqs.ts'
export { type IndexRange, RangeList, RangeSet, unionOfRanges } from './index-ranges.ts'
export {
  type BrokerKeyEvent,
  type EnrollEvent,
  isRotation,
  type KeyEvent,
  keyEventRecord,
  type LogKeyEvent,
  type PublisherKeyEvent,
  parseKeyEvent,
  type Requester,
  type RestrictEvent,
  type RetireEvent,
  type RevokeEvent,
  type RotationEvent,
} from './key-event.ts'
export { commitmentOf, decodeLeaf, encodeLeaf, type Leaf, saltBytes } from './leaf.ts'
export { type PlainPublish, readPlainPublish } from './plain-publish.ts'
export {
  checkpointOf,
  type LogBefore,
  type Predecessor,
  predecessorFromCbor,
  predecessorToCbor,
} from './predecessor.ts'
export { type RecordableProperties, recordProperties } from './properties.ts'
export { type ChainRecord, isSignedPublish, type QoS, type RecordedMac, recordVersion } from './record.ts'
export { maxKeysPerRecovery, parseRecovery, recoveryRecord } from './recovery-record.ts'
export {
  areSameRestrictions,
  faultOfRestrictions,
  type KeyRestrictions,
  largestWindow,
  restrictionsFromCbor,
  restrictionsToCbor,
  smallestWindow,
} from './restrictions.ts'
export {
  evidenceOf,
  parseSeqReuse,
  type SeqReuseEvent,
  type SignedEvidence,
  seqReuseRecord,
} from './seq-reuse-record.ts'
export { parseSession, type SessionEvent, sessionRecord } from './session-record.ts'
export {
  type AuthKind,
  authKinds,
  messagePropertyIds,
  type Outcome,
  outcomes,
  type RecordKind,
  recordKinds,
} from './vocabulary.ts'
