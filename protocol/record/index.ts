export { decodeRecord, encodeRecord, recordField, writeRecord } from './codec.ts'
export { chainFormatVersion, type Genesis, genesisRecord, parseGenesis } from './genesis.ts'
export { type KeyEvent, keyEventRecord, parseKeyEvent, type Requester } from './key-event.ts'
export { commitmentOf, decodeLeaf, encodeLeaf, type Leaf, saltBytes } from './leaf.ts'
export { type RecordableProperties, recordProperties } from './properties.ts'
export { type ChainRecord, type QoS, recordVersion } from './record.ts'
export {
  type AuthKind,
  authKinds,
  messagePropertyIds,
  type Outcome,
  outcomes,
  type RecordKind,
  recordKinds,
} from './vocabulary.ts'
