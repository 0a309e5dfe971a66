import { CborReader, CborWriter } from '../cbor/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'

const leafVersion = 1

/** Bytes of the salt that hides a record in its leaf. */
export const saltBytes = 16

/** What the tree commits to: `[1, timeMs, commitment]`. */
export interface Leaf {
  readonly timeMs: number
  readonly commitment: Uint8Array
}

/**
 * SHA-256(salt || record). Erasing salt and record later leaves every proof valid and reveals only time and place;
 * without the salt, a record of low entropy could be guessed from its hash.
 */
export function commitmentOf(salt: Uint8Array, record: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.sha256(salt, record)
}

/** Leaf bytes: 45 for any time since February 1970. */
export function encodeLeaf(leaf: Leaf): Uint8Array {
  return new CborWriter(48).array(3).int(leafVersion).int(leaf.timeMs).bytes(leaf.commitment).finish()
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_RECORD_MALFORMED */
export function decodeLeaf(encoded: Uint8Array): Leaf {
  const reader = new CborReader(encoded)
  reader.array(3)
  if (reader.uint() !== leafVersion) throw new ProtocolError('ERR_RECORD_MALFORMED', 'not a leaf of version 1')
  const leaf = { timeMs: reader.uint(), commitment: reader.bytes(32) }
  reader.end()
  return leaf
}
