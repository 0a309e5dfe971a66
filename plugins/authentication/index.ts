export {
  changePasswordFile,
  type NewHash,
  type PasswordFileChange,
  type PasswordFileChanged,
} from './change-password-file.ts'
export { createPasswordHash, type PasswordDerivation, ThreadedDerivation } from './derivation.ts'
export { AuthenticationError, type AuthenticationErrorCode, authenticationErrors } from './errors.ts'
export { PasswordAuthenticator, type PasswordAuthenticatorOptions } from './password-authenticator.ts'
export { type PasswordFile, parsePasswordFile, readPasswordFile } from './password-file.ts'
export { formatPasswordHash, type PasswordHash, type PasswordHashKind, parsePasswordHash } from './password-hash.ts'
