/** The bytes and nothing else: no clock, socket, store or Node module. */
export * from './admin/index.ts'
export * from './block/index.ts'
export { bytesEqual, fromBase64url, fromHex, toBase64url, toHex } from './bytes.ts'
export * from './cbor/index.ts'
export { CodedError } from './coded-error.ts'
export * from './cose/index.ts'
export type { CryptoProvider } from './crypto-provider.ts'
export {
  type AttachedEnvelope,
  type PublishToSign,
  parseAttachedEnvelope,
  signPublish,
} from './envelope/attached.ts'
export { type PublishHeaders, publishProtectedHeaders, readPublishHeaders } from './envelope/publish-headers.ts'
export { ProtocolError, type ProtocolErrorCode, protocolErrors } from './errors.ts'
export * from './merkle/index.ts'
export { nobleCrypto } from './noble-provider.ts'
export { isKeyName, verifierKeyText } from './notes/verifier-key.ts'
export * from './record/index.ts'
export { type RefusalCause, refusalCauses } from './refusal.ts'
export { type AcceptedSeq, defaultWindowSize, ReplayWindow } from './replay/window.ts'
export * from './topics/index.ts'
export { withoutUndefined } from './without-undefined.ts'
