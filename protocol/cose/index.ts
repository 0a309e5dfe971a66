export { algEs256, algEsp256, algHmac256, coseTag, headerLabel, isAlgorithmForP256 } from './algorithms.ts'
export {
  checkedP256,
  coseKeyOfEd25519,
  coseKeyOfP256,
  decodeP256CoseKey,
  isKidOf,
  kidOf,
  type P256PrivateKey,
  type P256PublicKey,
  p256FromCoseKey,
  shortKidBytes,
  thumbprintOfP256,
  uncompressedPoint,
} from './cose-key.ts'
export { type HeaderMap, parseProtectedHeaders } from './headers.ts'
export { type P256Jwk, p256FromJwk, p256ToJwk } from './jwk.ts'
export { contextLabel, externalAad, sigStructure } from './sig-structure.ts'
export { encodeSign1, parseSign1, type Sign1, signSign1, verifySign1 } from './sign1.ts'
