export { type AnchorContent, parseAnchor, signAnchor, verifyAnchor } from './anchor.ts'
export {
  type Block,
  type BlockEntry,
  type BlockOfRecords,
  decodeBlock,
  decodeEntry,
  decodeRecordsOfBlock,
  type ErasedEntry,
  encodeBlock,
  headerOfBlock,
  type KeptEntry,
} from './block.ts'
export { BrokerSigner, verifyBrokerSignature } from './broker-signature.ts'
export { type BuiltBlock, buildBlock, type RecordWithBody } from './build.ts'
export type { DamageExtent } from './damage.ts'
export { eraseFrom, isBodyErased } from './erase.ts'
export { ErasureLedger } from './erasures.ts'
export {
  type ChainFault,
  type ChainFinding,
  chainFaults,
  type StoreFault,
  type StoreFinding,
  storeFaults,
  type VerifyFault,
  verifyFaults,
} from './faults.ts'
export {
  type BlockHeader,
  BlockSigner,
  decodeBlockHeader,
  encodeBlockHeader,
  noPreviousHash,
  parseSignedHeader,
  type SignedHeader,
  verifySignedHeader,
} from './header.ts'
export { type InspectedBlock, type InspectionOptions, inspectBlock } from './inspect.ts'
export {
  type RotationPlace,
  signBrokerKeyProof,
  signLogKeyProof,
  verifyRotationProof,
} from './rotation-proof.ts'
export {
  encodeKeyMemory,
  type RestoredSnapshot,
  readSnapshot,
  type Snapshot,
  type SnapshotKey,
  signSnapshot,
} from './snapshot.ts'
export { type ChainState, decodeChainState, emptyChainState, encodeChainState } from './state.ts'
export { type ChainDamage, type ChainSummary, ChainVerifier, type ChainVerifierOptions } from './verify.ts'
