export { defaultKnownBrokersFile, knownBrokerKey, rememberBroker } from './known-brokers.ts'
export { loadPreSharedKeys } from './pre-shared-key-file.ts'
export {
  type GeneratedIdentity,
  generateIdentity,
  type Identity,
  isEncryptedKeyFile,
  isOpenToOthers,
  loadIdentity,
  loadPublicKey,
} from './private-key-file.ts'
export { type BrokerPin, type ProvenBroker, proveBroker } from './prove-broker.ts'
export { reserveSequenceNumber } from './sequence-file.ts'
