/** What an Aedes broker is extended with. Each works in any Aedes 2; `broker/` is where they are put together. */
export {
  AccessControl,
  AccessControlError,
  type AccessControlErrorCode,
  type AclIdentity,
  type AclRules,
  accessControlErrors,
  type ClientAccess,
  parseAclFile,
  readAclFile,
} from './access-control/index.ts'
export { AdminService, type AdminServiceOptions, DirectTopics, type OwnTopic } from './admin-topic/index.ts'
export { isDirect, sinkTopic } from './aedes-seams.ts'
export {
  AuditChain,
  type AuditChainOptions,
  type AuditStore,
  afterEarlier,
  type CommitParticipant,
  type Decision,
  LevelAuditStore,
  openStoreDatabase,
  Sequencer,
  type SequencerOptions,
  type StoreDatabase,
  type StoredBlock,
  type StoreOperation,
  type Submission,
  storeSublevel,
  type VerifyStoreOptions,
  verifyStore,
} from './audit-chain/index.ts'
export {
  AuthenticationError,
  type AuthenticationErrorCode,
  authenticationErrors,
  changePasswordFile,
  createPasswordHash,
  PasswordAuthenticator,
  type PasswordAuthenticatorOptions,
  type PasswordFile,
  parsePasswordFile,
  readPasswordFile,
} from './authentication/index.ts'
export {
  clockSkewMs,
  createNotary,
  detachedProperty,
  type FlowVerdict,
  type IncomingPublish,
  Lane,
  type Notary,
  type NotaryOptions,
  type Outlet,
  type ProtectRule,
  PublishCounters,
  type Publisher,
  PublishGate,
  type PublishGateOptions,
  PublishPolicy,
  type Refusal,
  refusalOf,
  type Settlement,
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
