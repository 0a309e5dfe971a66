import { getDiffieHellman } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { bytesEqual } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { DerReader, derPositive, derSequence } from './der.ts'
import { maxPemBytes, readPem, writePem } from './pem.ts'

/** A group of Diffie-Hellman: numbers big-endian, without leading zeros. Both ends need the same one. */
export interface DhParameters {
  readonly prime: Uint8Array
  readonly generator: Uint8Array
}

/** Shorter primes are within reach of those who can pay; longer ones only keep the responder busy. */
const primeBits = { least: 2048, most: 8192 } as const

/** Safe primes have small ones. A large one belongs to a small subgroup, which needs checks that nobody here makes. */
const maxGenerator = 2 ** 31 - 1

const labels = { pkcs3: 'DH PARAMETERS', x942: 'X9.42 DH PARAMETERS' } as const

/** What both ends use when they are given no other: 4096 bits, RFC 3526 section 5, group 16. */
export function defaultDhParameters(): DhParameters {
  const group = getDiffieHellman('modp16')
  return { prime: group.getPrime(), generator: group.getGenerator() }
}

/**
 * Reads what `openssl dhparam` or Python's `parameter_bytes` wrote. That the number is prime, and safe, is the word of
 * whoever made the file, as with a certificate authority: to check it takes many seconds.
 * @throws {ClientError} ERR_DH_PARAMETERS
 */
export function loadDhParameters(path: string): DhParameters {
  let text: string
  try {
    // Looked at first, so that a device without an end is not read.
    if (!statSync(path).isFile() || statSync(path).size > maxPemBytes) throw new RangeError('not a PEM file')
    text = readFileSync(path, 'latin1')
  } catch (cause) {
    throw new ClientError('ERR_DH_PARAMETERS', `${path} cannot be read`, {}, cause)
  }
  try {
    return parseDhParameters(text)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new ClientError(
      'ERR_DH_PARAMETERS',
      `${path} holds no DH parameters that are of use: ${cause.message}`,
      {},
      cause,
    )
  }
}

/**
 * PKCS #3 in PEM, or X9.42, which is what Python writes of a group that OpenSSL knows.
 * @throws {RangeError} when it is neither, or the numbers are no good
 */
export function parseDhParameters(pem: string): DhParameters {
  const isX942 = pem.includes(`-----BEGIN ${labels.x942}-----`)
  const reader = new DerReader(readPem(pem, isX942 ? labels.x942 : labels.pkcs3))
  const parameters = isX942 ? readDomainParameters(reader.sequence()) : readParameters(reader.sequence())
  reader.end()
  checkParameters(parameters)
  return parameters
}

/** The same in PEM, as OpenSSL and Python read it. */
export function dhParametersPem(parameters: DhParameters): string {
  return writePem(derParameters(parameters), labels.pkcs3)
}

/** DHParameter (PKCS #3 section 9), the length of private keys left out: each end chooses its own. */
export function derParameters({ prime, generator }: DhParameters): Uint8Array {
  return derSequence(derPositive(prime), derPositive(generator))
}

/** DHParameter. @throws {RangeError} */
export function readParameters(fields: DerReader): DhParameters {
  const parameters = { prime: fields.positive(), generator: fields.positive() }
  if (!fields.isAtEnd) fields.positive()
  fields.end()
  return parameters
}

/** DomainParameters (RFC 3279 section 2.3.3) of a safe prime: other subgroups need checks that nobody here makes. */
function readDomainParameters(fields: DerReader): DhParameters {
  const parameters = { prime: fields.positive(), generator: fields.positive() }
  if (numberOf(parameters.prime) !== 2n * numberOf(fields.positive()) + 1n) {
    throw new RangeError('X9.42 parameters whose p is not 2q + 1')
  }
  fields.end()
  return parameters
}

export function isSameGroup(a: DhParameters, b: DhParameters): boolean {
  return bytesEqual(a.prime, b.prime) && bytesEqual(a.generator, b.generator)
}

/** Big-endian bytes as a number. */
export function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** From 2 to p - 2: without those whose powers are few. */
export function isBetweenTwoAndMinusTwo(value: Uint8Array, prime: Uint8Array): boolean {
  const number = numberOf(value)
  return number >= 2n && number <= numberOf(prime) - 2n
}

function checkParameters({ prime, generator }: DhParameters): void {
  const bits = numberOf(prime).toString(2).length
  if (bits < primeBits.least || bits > primeBits.most) {
    throw new RangeError(`a prime of ${bits} bits, where ${primeBits.least} to ${primeBits.most} are taken`)
  }
  if (numberOf(prime) % 2n === 0n) throw new RangeError('the prime is even')
  if (!isBetweenTwoAndMinusTwo(generator, prime)) throw new RangeError('the generator is not from 2 to p - 2')
  if (numberOf(generator) > maxGenerator) throw new RangeError('the generator is no small number: made with -dsaparam?')
}
