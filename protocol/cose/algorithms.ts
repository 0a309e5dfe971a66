/** Tags of RFC 9052 section 2. */
export const coseTag = { encrypt0: 16, mac0: 17, sign1: 18, encrypt: 96 } as const

/** Header labels in use (IANA COSE Header Parameters); the private one is ours. */
export const headerLabel = {
  alg: 1,
  crit: 2,
  contentType: 3,
  kid: 4,
  iv: 5,
  receipts: 394,
  /** `[seq, timeMs]`: what makes a COSE_Sign1 a NotaryMQ publish. */
  notaryPublish: -65537,
} as const

/** ESP256 (RFC 9864): ECDSA on P-256 with SHA-256. What we emit. */
export const algEsp256 = -9
/** ES256 (RFC 9053): the same computation when the key is on P-256. */
export const algEs256 = -7
/** Ed25519 (RFC 9864): what the log key signs with. */
export const algEd25519 = -19
/** HMAC 256/256 (RFC 9053): the hop MAC. */
export const algHmac256 = 5

/** The allow-list for a P-256 key: checked before any cryptography, since the key decides, not the message. */
export function isAlgorithmForP256(alg: number): boolean {
  return alg === algEsp256 || alg === algEs256
}

/** A128GCM and A256GCM (RFC 9053 section 4.1): what is admitted for content. */
export const algA128Gcm = 1
export const algA256Gcm = 3
/** ECDH-ES + A256KW (RFC 9053 section 6.4): how a content key gets to a recipient. */
export const algEcdhEsA256Kw = -31
/** A256KW (RFC 9053 section 6.2.1): what the key that ECDH-ES gives is for. */
export const algA256Kw = -5
