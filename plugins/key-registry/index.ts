export { type NamedKey, parsePublicKeyPem, readKeysDirectory } from './public-key-file.ts'
export { KeyRegistry, type RegisteredKey } from './registry.ts'
