export { encryptPrivateKey, isEncryptedPem, type Pbes2Primitives, parsePassphrase } from './encrypted-private-key.ts'
