export { ClientError } from '../errors.ts'
export { auditBackup, printBackup } from './audit-backup.ts'
export { auditErase } from './audit-erase.ts'
export { auditGaps } from './audit-gaps.ts'
export { auditHelp } from './audit-help.ts'
export { auditQuery, auditRecord } from './audit-query.ts'
export { auditCheckpoint, auditReceipt } from './audit-receipt.ts'
export { auditStatus } from './audit-status.ts'
export { auditTail } from './audit-tail.ts'
export { auditVerifyLive, printVerification, verifyOptions, verifyParams } from './audit-verify.ts'
export { auditWatch } from './audit-watch.ts'
export {
  bySubcommand,
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
export { connect } from './connection.ts'
export { identityCommand } from './identity.ts'
export { keygen } from './keygen.ts'
export { enroll, keys, revoke, rotate } from './keys.ts'
export { lab } from './lab.ts'
export { passwdCommand } from './passwd.ts'
export { ProgressBar } from './progress-bar.ts'
export { pub } from './pub.ts'
export { readVkeys } from './verifier-keys.ts'
export { auditVerifyReceipt } from './verify-receipt.ts'
