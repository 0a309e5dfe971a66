/** The bytes and nothing else: no clock, socket, store or Node module. */
export * from './admin/index.ts'
export * from './block/index.ts'
export { bytesEqual, fromBase64url, fromHex, toBase64url, toHex, utf8 } from './bytes.ts'
export * from './cbor/index.ts'
export { CodedError } from './coded-error.ts'
export * from './cose/index.ts'
export {
  type CryptoProvider,
  checkedSharedSecret,
  checkHkdfLength,
  gcmTagBytes,
  keyRefusedByEcdh,
} from './crypto-provider.ts'
export * from './encryption/index.ts'
export * from './envelope/index.ts'
export { ProtocolError, type ProtocolErrorCode, protocolErrors } from './errors.ts'
export * from './identity/index.ts'
export * from './key-exchange/index.ts'
export * from './log-files/index.ts'
export * from './merkle/index.ts'
export { nobleCrypto } from './noble-provider.ts'
export * from './notes/index.ts'
export * from './pkcs8/index.ts'
export * from './receipt/index.ts'
export * from './record/index.ts'
export { type RefusalCause, refusalCauses } from './refusal.ts'
export * from './registry/index.ts'
export * from './replay/index.ts'
export * from './secure-link/index.ts'
export * from './sha256/index.ts'
export { formatTime } from './strftime.ts'
export * from './topics/index.ts'
export { withoutUndefined } from './without-undefined.ts'
