import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
} from 'node:crypto'
import { ClientError } from '../errors.ts'
import { DerReader, derBitString, derObjectId, derPositive, derSequence } from './der.ts'
import {
  type DhParameters,
  derParameters,
  isBetweenTwoAndMinusTwo,
  isSameGroup,
  numberOf,
  readParameters,
} from './dh-parameters.ts'
import { fernetKeyBytes } from './fernet.ts'
import { readPem, writePem } from './pem.ts'

/** dhKeyAgreement, 1.2.840.113549.1.3.1 (PKCS #3 section 9). */
export const dhKeyAgreement = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01)
const label = 'PUBLIC KEY'

/** What the lab gives HKDF-SHA256 (RFC 5869): one zero byte each. */
const hkdf = { salt: Uint8Array.of(0), info: Uint8Array.of(0) } as const

/** The types for Node 20 do not have it. */
const generateDhKeyPair = generateKeyPairSync as unknown as (
  type: 'dh',
  options: { readonly prime: Buffer; readonly generator: number },
) => KeyPairKeyObjectResult

/** A key pair of Diffie-Hellman over a finite field (PKCS #3), made anew for each process. */
export class DhKeyPair {
  /** SubjectPublicKeyInfo in PEM: what the other end is told. */
  readonly publicPem: string
  readonly #parameters: DhParameters
  readonly #privateKey: KeyObject

  constructor(parameters: DhParameters) {
    this.#parameters = parameters
    const { prime, generator } = parameters
    // `createDiffieHellman` would look whether the prime is a safe one, at every start: seconds, for one of 4096 bits.
    const pair = generateDhKeyPair('dh', { prime: Buffer.from(prime), generator: Number(numberOf(generator)) })
    this.#privateKey = pair.privateKey
    this.publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }

  /**
   * The Fernet key that is shared with the owner of a public key.
   * @param publicPem as the other end sent it: attacker-controlled
   * @throws {ClientError} ERR_DH_PUBLIC_KEY
   */
  fernetKeyWith(publicPem: string): Uint8Array {
    const publicKey = createPublicKey(publicKeyPem(this.#parameters, publicValue(publicPem, this.#parameters)))
    return fernetKeyOf(sharedSecret(this.#privateKey, publicKey))
  }
}

/** @throws {ClientError} ERR_DH_PUBLIC_KEY for what is outside of the subgroup, where OpenSSL knows the group */
function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Uint8Array {
  try {
    return diffieHellman({ privateKey, publicKey })
  } catch (cause) {
    throw new ClientError('ERR_DH_PUBLIC_KEY', 'the public value of the other end is none of this group', {}, cause)
  }
}

/**
 * HKDF-SHA256 over the shared secret.
 * @param secret as long as the prime, zeros in front included, as OpenSSL and Python give it
 * @throws {ClientError} ERR_DH_PUBLIC_KEY when all of it is zero, which no key of this group leads to
 */
export function fernetKeyOf(secret: Uint8Array): Uint8Array {
  if (secret.every((byte) => byte === 0)) throw new ClientError('ERR_DH_PUBLIC_KEY', 'the shared secret is zero')
  return new Uint8Array(hkdfSync('sha256', secret, hkdf.salt, hkdf.info, fernetKeyBytes))
}

/** @param value big-endian without leading zeros */
export function publicKeyPem(parameters: DhParameters, value: Uint8Array): string {
  const algorithm = derSequence(derObjectId(dhKeyAgreement), derParameters(parameters))
  return writePem(derSequence(algorithm, derBitString(derPositive(value))), label)
}

/** @throws {ClientError} ERR_DH_PUBLIC_KEY */
function publicValue(publicPem: string, ours: DhParameters): Uint8Array {
  let key: ReturnType<typeof readPublicKey>
  try {
    key = readPublicKey(publicPem)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new ClientError('ERR_DH_PUBLIC_KEY', `the other end sent no public key in PEM: ${cause.message}`, {}, cause)
  }
  if (!isSameGroup(key.parameters, ours)) {
    throw new ClientError('ERR_DH_PUBLIC_KEY', 'the other end uses other DH parameters: give both the same --dhparam')
  }
  if (!isBetweenTwoAndMinusTwo(key.value, ours.prime)) {
    throw new ClientError('ERR_DH_PUBLIC_KEY', 'the public value of the other end is not from 2 to p - 2')
  }
  return key.value
}

/** @throws {RangeError} */
function readPublicKey(publicPem: string): { readonly parameters: DhParameters; readonly value: Uint8Array } {
  const reader = new DerReader(readPem(publicPem, label))
  const info = reader.sequence()
  reader.end()
  const algorithm = info.sequence()
  algorithm.objectId(dhKeyAgreement)
  const parameters = readParameters(algorithm.sequence())
  algorithm.end()
  const key = new DerReader(info.bitString())
  info.end()
  const value = key.positive()
  key.end()
  return { parameters, value }
}
