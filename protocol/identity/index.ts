export {
  type ExpectedIdentity,
  type IdentityStatement,
  identityNonceBytes,
  isIdentityNonce,
  signIdentityStatement,
  verifyIdentityStatement,
} from './identity-statement.ts'
