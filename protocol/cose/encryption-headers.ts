import { CborReader } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { headerLabel } from './algorithms.ts'

/** The algorithm of a protected bucket that names it and nothing else. @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED */
export function readOnlyAlgorithm(protectedBytes: Uint8Array): number {
  const headers = new CborReader(protectedBytes)
  readMapOf(headers, 1)
  readLabel(headers, headerLabel.alg)
  const alg = headers.int()
  headers.end()
  return alg
}

/** The head of a map of so many pairs. @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED */
export function readMapOf(reader: CborReader, pairs: number): void {
  if (reader.map() !== pairs) throw malformedEncryption('number of headers')
}

/** A label, or another integer that has to be this one. @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED */
export function readLabel(reader: CborReader, expected: number): void {
  if (reader.int() !== expected) throw malformedEncryption(`${expected} is missing`)
}

/** What is not an encrypted message of the strict profile, and why. */
export function malformedEncryption(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', `not an encrypted message: ${what}`)
}
