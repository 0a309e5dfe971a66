/** What an Aedes broker is extended with. Each works in any Aedes 2; `broker/` is where they are put together. */
export { AdminService, type AdminServiceOptions, DirectTopics, type OwnTopic } from './admin-topic/index.ts'
export { isDirect, sinkTopic } from './aedes-seams.ts'
export {
  AuditChain,
  type AuditChainOptions,
  type AuditStore,
  type Decision,
  LevelAuditStore,
  openStoreDatabase,
  Sequencer,
  type SequencerOptions,
  type StoreDatabase,
  type StoredBlock,
  type StoreOperation,
  type Submission,
  type VerifyStoreOptions,
  verifyStore,
} from './audit-chain/index.ts'
export {
  clockSkewMs,
  createNotary,
  detachedProperty,
  type IncomingPublish,
  type Notary,
  type NotaryOptions,
  type ProtectRule,
  PublishCounters,
  type Publisher,
  PublishPolicy,
  type Qos2Marks,
  type Refusal,
} from './authorize-publish/index.ts'
export { PluginError, type PluginErrorCode, pluginErrors } from './errors.ts'
export {
  KeyRegistry,
  type NamedKey,
  parsePublicKeyPem,
  type RegisteredKey,
  readKeysDirectory,
} from './key-registry/index.ts'
export { nativeCrypto } from './native-crypto.ts'
