import { bytesEqual, utf8 } from '../bytes.ts'
import {
  algEsp256,
  externalAad,
  isKidOf,
  type P256PrivateKey,
  type P256PublicKey,
  parseSign1,
  signerHeaders,
  signerKidOf,
  signSign1,
  thumbprintOfP256,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'

/** Bound into every proof, so that it can be taken for nothing else. */
const proofAad = externalAad('$notary/enroll')

/** Largest proof: headers, an origin of 255 bytes and a signature fit many times. */
export const maxProofBytes = 1024

/** Shows a log that one holds the private key: a COSE_Sign1 over the name of the log. */
export function signProofOfPossession(key: P256PrivateKey, origin: string, crypto: CryptoProvider): Uint8Array {
  const headers = signerHeaders(algEsp256, thumbprintOfP256(key, crypto))
  return signSign1(key, headers, proofAad, utf8(origin), crypto)
}

/**
 * Verifies a proof of possession.
 * @param proof attacker-controlled bytes
 * @param origin name of the log that the key is enrolled in: a proof for one log is worth nothing in another
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_*
 */
export async function verifyProofOfPossession(
  proof: Uint8Array,
  key: P256PublicKey,
  origin: string,
  crypto: CryptoProvider,
): Promise<void> {
  if (proof.length > maxProofBytes) throw malformed('too long')
  const sign1 = parseSign1(proof)
  const kid = signerKidOf(sign1)
  if (kid === undefined || !isKidOf(kid, thumbprintOfP256(key, crypto))) throw malformed('headers')
  if (sign1.payload === undefined || !bytesEqual(sign1.payload, utf8(origin))) throw malformed('not for this log')
  await verifySign1(sign1, key, proofAad, crypto)
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', `not a proof of possession: ${what}`)
}
