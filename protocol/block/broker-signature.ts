import {
  algEsp256,
  headerLabel,
  isKidOf,
  type P256PrivateKey,
  type P256PublicKey,
  parseSign1,
  signerHeaders,
  signSign1,
  thumbprintOfP256,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'

/** Signs with one broker key; remembers what every signature of it has in common: the headers `{1: -9, 4: kid}`. */
export class BrokerSigner {
  readonly #key: P256PrivateKey
  readonly #crypto: CryptoProvider
  readonly #protectedBytes: Uint8Array

  constructor(key: P256PrivateKey, crypto: CryptoProvider) {
    this.#key = key
    this.#crypto = crypto
    this.#protectedBytes = signerHeaders(algEsp256, thumbprintOfP256(key, crypto))
  }

  /**
   * @param externalAad says what the signature is for
   * @returns tagged COSE_Sign1
   */
  sign(externalAad: Uint8Array, payload: Uint8Array): Uint8Array {
    return signSign1(this.#key, this.#protectedBytes, externalAad, payload, this.#crypto)
  }
}

/**
 * Verifies what a {@link BrokerSigner} signed.
 * @returns the payload
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_COSE_ALG_NOT_ALLOWED, ERR_COSE_SIGNATURE_INVALID
 */
export async function verifyBrokerSignature(
  signed: Uint8Array,
  externalAad: Uint8Array,
  brokerKey: P256PublicKey,
  crypto: CryptoProvider,
): Promise<Uint8Array> {
  const sign1 = parseSign1(signed)
  const kid = sign1.protectedHeaders.get(headerLabel.kid)
  if (!(kid instanceof Uint8Array) || !isKidOf(kid, thumbprintOfP256(brokerKey, crypto))) {
    throw new ProtocolError('ERR_COSE_SIGNATURE_INVALID', 'the headers name another key than the broker key')
  }
  if (sign1.protectedHeaders.size !== 2 || sign1.unprotectedHeaders.size !== 0) {
    throw new ProtocolError('ERR_COSE_MALFORMED', 'a signature of the broker has alg and kid and nothing else')
  }
  await verifySign1(sign1, brokerKey, externalAad, crypto)
  if (sign1.payload === undefined) throw new ProtocolError('ERR_COSE_MALFORMED', 'the payload is missing')
  return sign1.payload
}
