export {
  auditGaps,
  auditHelp,
  auditQuery,
  auditStatus,
  auditVerifyLive,
  printVerification,
  unknownAuditCommand,
} from './audit.ts'
export { auditCheckpoint, auditReceipt } from './audit-receipt.ts'
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
export { pub } from './pub.ts'
export { auditVerifyReceipt } from './verify-receipt.ts'
