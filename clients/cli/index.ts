export {
  auditGaps,
  auditHelp,
  auditQuery,
  auditStatus,
  auditVerifyLive,
  printVerification,
  unknownAuditCommand,
} from './audit.ts'
export { auditWatch } from './audit-watch.ts'
export {
  type Command,
  exitCode,
  integerOption,
  type Output,
  parseArguments,
  parseOptions,
  runCommand,
  standardOutput,
  usageError,
} from './command.ts'
export { identityCommand } from './identity.ts'
export { keygen } from './keygen.ts'
export { enroll, keys, revoke, rotate } from './keys.ts'
export { passwdCommand } from './passwd.ts'
export { pub } from './pub.ts'
export { readVkeys } from './verifier-keys.ts'
