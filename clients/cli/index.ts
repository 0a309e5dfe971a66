export {
  auditGaps,
  auditHelp,
  auditQuery,
  auditStatus,
  auditVerifyLive,
  printVerification,
  unknownAuditCommand,
  verifyOptions,
  verifyParams,
} from './audit.ts'
export {
  type Command,
  exitCode,
  integerOption,
  type Output,
  parseOptions,
  runCommand,
  standardOutput,
} from './command.ts'
export { identityCommand } from './identity.ts'
export { keygen } from './keygen.ts'
export { enroll, keys, revoke, rotate } from './keys.ts'
export { passwdCommand } from './passwd.ts'
export { ProgressBar } from './progress-bar.ts'
export { pub } from './pub.ts'
