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
export {
  type AdminRights,
  AdminService,
  type AdminServiceOptions,
  type DirectClient,
  DirectTopics,
  type OwnTopic,
} from './admin-topic/index.ts'
export { isDirect, sinkTopic } from './aedes-seams.ts'
export { AnchoredPlaces, AnchorFile, type CheckpointSource, guardChain, openAnchors } from './anchors/index.ts'
export {
  AuditChain,
  type AuditChainOptions,
  type AuditStore,
  afterEarlier,
  type CommitParticipant,
  ConfigRecorder,
  changeKeyPassphrase,
  type Decision,
  type EnrolmentOptions,
  type FoundChain,
  type KeyCustody,
  type KeyRole,
  type KeyRotation,
  LevelAuditStore,
  type ObservedReuse,
  openStoreDatabase,
  openStoredTree,
  publicKeyFiles,
  readKeyPassphrase,
  rotateKey,
  type SeqReuseAlarm,
  Sequencer,
  type SequencerOptions,
  type StoreDatabase,
  type StoredBlock,
  type StoreOperation,
  type Submission,
  storeSublevel,
  TileTable,
} from './audit-chain/index.ts'
export {
  type RecordReference,
  type VerifyProgress,
  type VerifyStoreOptions,
  verifyStore,
} from './audit-verify/index.ts'
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
  createNotary,
  defaultClockSkewMs,
  type FlowVerdict,
  type IncomingPublish,
  isRefused,
  isReservedProperty,
  Lane,
  type MacSessionLookup,
  type Notary,
  type NotaryOptions,
  noTopicPolicy,
  type Outlet,
  type ProtectRule,
  PublishCounters,
  type Publisher,
  PublishGate,
  type PublishGateOptions,
  PublishPolicy,
  policyDigestInput,
  provenUsername,
  type Refusal,
  RulesInForce,
  refusalOf,
  reservedPropertyPrefix,
  reserveWill,
  type Settlement,
  type TopicPolicy,
  type VerifiedPublish,
  type VerifySignature,
  withoutReserved,
} from './authorize-publish/index.ts'
export { type BackupResult, backUp } from './backup/index.ts'
export {
  type Anchor,
  CheckpointKeeper,
  type CheckpointKeeperOptions,
  type PublishedCheckpoint,
  type Standing,
  standingTo,
  storedCheckpoint,
} from './checkpoints/index.ts'
export { PluginError, type PluginErrorCode, pluginErrors } from './errors.ts'
export {
  type IdentityAnswer,
  type IdentityRequester,
  IdentityService,
  type IdentityServiceOptions,
} from './identity/index.ts'
export {
  confirmWithinMs,
  type ExchangeAnswer,
  type ExchangeConnection,
  type ExchangeRequester,
  KeyExchangeService,
  type KeyExchangeServiceOptions,
  MacSession,
  MacSessions,
} from './key-exchange/index.ts'
export {
  type Enrolment,
  findKey,
  KeyRegistry,
  type NamedKey,
  parsePublicKeyPem,
  parsePublicKeyText,
  parseRestrictions,
  planEnrolment,
  planRestriction,
  planRetirement,
  planRevocation,
  type RegisteredKey,
  readKeysDirectory,
} from './key-registry/index.ts'
export {
  type ExportFault,
  type ExportFinding,
  type ExportResult,
  ExportService,
  type ExportSource,
  type ExportVerification,
  exportFaults,
  exportLog,
  PublicLog,
  verifyExport,
} from './log-export/index.ts'
export { nativeCrypto } from './native-crypto.ts'
export { briskPace } from './pace.ts'
export {
  IndexBuilder,
  type IndexBuilderOptions,
  type IndexedChain,
  QueryIndex,
  type QueryIndexOptions,
} from './query-index/index.ts'
export { type ReceiptOwner, ReceiptPush, type ReceiptPushOptions, type ReceiptQueue } from './receipts/index.ts'
export {
  type ChainVerdict,
  type Examination,
  examineChain,
  finishRecovery,
  type NewLog,
  type NewLogOptions,
  openNewLog,
} from './recovery/index.ts'
export { RefusalCounters } from './refusal-counters.ts'
export {
  DiskForecast,
  type ErasedTotals,
  type ErasureOutcome,
  type ErasureRequest,
  faultOfRetentionRule,
  type Pins,
  Retention,
  type RetentionOptions,
  type RetentionRule,
  retentionText,
} from './retention/index.ts'
export {
  type DamageAlarm,
  Scrubber,
  type ScrubberOptions,
  type ScrubCounters,
  type ScrubPass,
  type ScrubStatus,
} from './scrub/index.ts'
export { type Rate, TokenBucket } from './token-bucket.ts'
export {
  AddressPenalties,
  defaultFailureBudget,
  FailureBudget,
  type VerificationCounters,
  VerificationError,
  type VerificationErrorCode,
  VerificationQueue,
  verificationErrors,
} from './verification/index.ts'
export {
  cosignPublished,
  type FollowedLog,
  openWitnessIdentity,
  Witness,
  type WitnessAnswer,
  type WitnessEvent,
  type WitnessIdentity,
  type WitnessOptions,
  WitnessState,
} from './witness-role/index.ts'
export {
  type ConfiguredWitness,
  faultOfWitness,
  faultOfWitnesses,
  isProofAgainstLog,
  verifierOfWitness,
  type WitnessChange,
  Witnesses,
  type WitnessesOptions,
  type WitnessTrouble,
  witnessTroubles,
} from './witnesses/index.ts'
