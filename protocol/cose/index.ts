export {
  algEd25519,
  algEs256,
  algEsp256,
  algHmac256,
  coseTag,
  headerLabel,
  isAlgorithmForP256,
} from './algorithms.ts'
export {
  checkedP256,
  coseKeyOfEd25519,
  coseKeyOfP256,
  decodeP256CoseKey,
  type Ed25519PrivateKey,
  ed25519FromCoseKey,
  isKidOf,
  isSameP256,
  kidOf,
  type P256PrivateKey,
  type P256PublicKey,
  p256FromCoseKey,
  p256OfPoint,
  shortKidBytes,
  thumbprintOfEd25519,
  thumbprintOfP256,
  uncompressedPoint,
} from './cose-key.ts'
export { kdfContext, keyEncryptionKey } from './ecdh-es.ts'
export {
  type Encrypt,
  type KeyAgreement,
  maxRecipients,
  openEncrypt,
  parseEncrypt,
  type Recipient,
  sealEncrypt,
} from './encrypt.ts'
export { openEncrypt0, parseEncrypt0, sealEncrypt0 } from './encrypt0.ts'
export { isEncryptedForm, isForRecipients } from './encrypt0-form.ts'
export { type ContentToSeal, type EncryptedContent, encStructure, gcmIvBytes } from './encrypted-content.ts'
export { type HeaderMap, parseProtectedHeaders } from './headers.ts'
export { type P256Jwk, p256FromJwk, p256ToJwk } from './jwk.ts'
export {
  encodeMac0,
  isMacTagValid,
  type Mac0,
  macMac0,
  macStructure,
  macTagBytes,
  parseMac0,
  verifyMac0,
} from './mac0.ts'
export { contextLabel, externalAad, sigStructure } from './sig-structure.ts'
export { emptyMap, encodeSign1, parseSign1, type Sign1, signSign1, signSign1Detached, verifySign1 } from './sign1.ts'
export { signerHeaders, signerKidOf } from './signer-headers.ts'
