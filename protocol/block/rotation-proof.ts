import { bytesEqual } from '../bytes.ts'
import { CborWriter } from '../cbor/index.ts'
import {
  algEd25519,
  type Ed25519PrivateKey,
  encodeSign1,
  externalAad,
  headerLabel,
  isKidOf,
  type P256PrivateKey,
  parseSign1,
  signerHeaders,
  signerKidOf,
  sigStructure,
  thumbprintOfEd25519,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import type { RotationEvent } from '../record/index.ts'
import { BrokerSigner, verifyBrokerSignature } from './broker-signature.ts'

// With its proof a new key answers for the history before it: whoever trusts the new key alone need not believe what the
// old key, which may have been stolen, would sign in its place.

/** Bound into the proofs, so that they can be taken for nothing else. */
const brokerAad = externalAad('broker-key')
const logAad = externalAad('log-key')

/** Largest proof: headers, an origin of 255 bytes, a hash and a signature fit several times. */
const maxProofBytes = 2048

/** Where in which log a rotation stands. */
export interface RotationPlace {
  /** Name of the log. */
  readonly origin: string
  /** Of the block that holds the rotation. */
  readonly height: number
  /** Of that block: SHA-256 of the header before it, 32 bytes. */
  readonly previousHash: Uint8Array
}

/** CBOR `[origin, height, previousHash]`. */
function encodePlace({ origin, height, previousHash }: RotationPlace): Uint8Array {
  return new CborWriter(128).array(3).text(origin).int(height).bytes(previousHash).finish()
}

/** COSE_Sign1 by a new broker key. */
export function signBrokerKeyProof(key: P256PrivateKey, place: RotationPlace, crypto: CryptoProvider): Uint8Array {
  return new BrokerSigner(key, crypto).sign(brokerAad, encodePlace(place))
}

/** COSE_Sign1 by a new log key: protected headers `{1: -19, 4: kid}`. */
export function signLogKeyProof(key: Ed25519PrivateKey, place: RotationPlace, crypto: CryptoProvider): Uint8Array {
  const protectedBytes = signerHeaders(algEd25519, thumbprintOfEd25519(key.publicKey, crypto))
  const payload = encodePlace(place)
  const signature = crypto.signEd25519(key, sigStructure(protectedBytes, logAad, payload))
  return encodeSign1({ protectedBytes, unprotectedBytes: Uint8Array.of(0xa0), signature }, payload)
}

/**
 * Verifies that the new key of a rotation signed for exactly this place.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_*
 */
export async function verifyRotationProof(
  event: RotationEvent,
  place: RotationPlace,
  crypto: CryptoProvider,
): Promise<void> {
  const { proof } = event
  if (proof.length > maxProofBytes) throw malformed('too long')
  const payload =
    event.action === 'broker-key'
      ? await verifyBrokerSignature(proof, brokerAad, event.key, crypto)
      : verifyLogSignature(proof, event.key, crypto)
  if (!bytesEqual(payload, encodePlace(place))) throw malformed('not for this place of this log')
}

function verifyLogSignature(proof: Uint8Array, key: Uint8Array, crypto: CryptoProvider): Uint8Array {
  const sign1 = parseSign1(proof)
  const { protectedBytes, protectedHeaders, payload, signature } = sign1
  const kid = signerKidOf(sign1)
  if (kid === undefined || !isKidOf(kid, thumbprintOfEd25519(key, crypto))) throw malformed('headers')
  if (protectedHeaders.get(headerLabel.alg) !== algEd25519) {
    throw new ProtocolError('ERR_COSE_ALG_NOT_ALLOWED', 'alg is not Ed25519')
  }
  if (payload === undefined) throw malformed('no payload')
  if (!crypto.verifyEd25519(key, sigStructure(protectedBytes, logAad, payload), signature)) {
    throw new ProtocolError('ERR_COSE_SIGNATURE_INVALID', 'signature does not verify')
  }
  return payload
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', `not a proof of a new key: ${what}`)
}
