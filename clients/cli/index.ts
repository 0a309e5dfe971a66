export { ClientError } from '../errors.ts'
export {
  auditGaps,
  auditHelp,
  auditQuery,
  auditStatus,
  auditVerifyLive,
  printVerification,
  unknownAuditCommand,
} from './audit.ts'
export { auditErase } from './audit-erase.ts'
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
