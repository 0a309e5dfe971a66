export { AccessControl, type AclIdentity, type ClientAccess } from './access-control.ts'
export {
  type AclAccess,
  type AclPlace,
  type AclRule,
  type AclRules,
  type AclWarning,
  maxAclFileBytes,
  parseAclFile,
  readAclFile,
} from './acl-file.ts'
export { AccessControlError, type AccessControlErrorCode, accessControlErrors } from './errors.ts'
