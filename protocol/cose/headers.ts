import { type CborKey, CborReader, type CborValue, readMap } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { headerLabel } from './algorithms.ts'

export type HeaderMap = ReadonlyMap<CborKey, CborValue>

const noHeaders: HeaderMap = new Map()

/**
 * Decodes a protected header bucket: `h''` when empty, otherwise a deterministic, non-empty map.
 * RFC 9052 section 3; `crit` is refused unless every label in it is one we act on and present.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function parseProtectedHeaders(encoded: Uint8Array): HeaderMap {
  if (encoded.length === 0) return noHeaders
  const reader = new CborReader(encoded)
  const headers = readMap(reader)
  reader.end()
  if (headers.size === 0) throw new ProtocolError('ERR_COSE_MALFORMED', "empty protected headers are h'', not h'a0'")
  if (headers.has(headerLabel.crit)) checkCritical(headers)
  return headers
}

function checkCritical(headers: HeaderMap): void {
  const critical = headers.get(headerLabel.crit)
  if (!Array.isArray(critical) || critical.length === 0) {
    throw new ProtocolError('ERR_COSE_MALFORMED', 'crit is not a list of labels')
  }
  for (const label of critical) {
    if (label !== headerLabel.notaryPublish || !headers.has(label)) {
      throw new ProtocolError('ERR_COSE_MALFORMED', 'crit names a label that is not understood')
    }
  }
}
