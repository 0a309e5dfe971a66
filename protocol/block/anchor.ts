import { CborReader, CborWriter } from '../cbor/index.ts'
import { externalAad, type P256PublicKey, parseSign1 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { decodeHighestSeqs, encodeHighestSeqs, type HighestSeqs, type KeySeq } from '../record/index.ts'
import { type BrokerSigner, verifyBrokerSignature } from './broker-signature.ts'

// What is kept of a chain in a second place: a chain that does not extend it is not the whole one.

const anchorVersion = 1

/** Bound into every anchor, so that its signature can be taken for nothing else. */
const anchorAad = externalAad('anchor')

export interface AnchorContent {
  /** The newest checkpoint: a signed note (C2SP tlog-checkpoint). */
  readonly note: string
  /** At least what keys had used in the tree of the checkpoint. */
  readonly highestSeqs: HighestSeqs
}

/** COSE_Sign1 by the broker over CBOR `[1, note, sequence numbers]`. */
export function signAnchor(note: string, seqs: readonly KeySeq[], signer: BrokerSigner): Uint8Array {
  const packed = encodeHighestSeqs(seqs)
  const writer = new CborWriter(packed.length + 4 * note.length + 32).array(3)
  return signer.sign(anchorAad, writer.int(anchorVersion).text(note).bytes(packed).finish())
}

/** Reads an anchor without verifying it. @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_RECORD_MALFORMED */
export function parseAnchor(signed: Uint8Array): AnchorContent {
  const { payload } = parseSign1(signed)
  if (payload === undefined) throw new ProtocolError('ERR_COSE_MALFORMED', 'an anchor carries its payload')
  const reader = new CborReader(payload)
  reader.array(3)
  if (reader.uint() !== anchorVersion) throw new ProtocolError('ERR_RECORD_MALFORMED', 'an anchor of another version')
  const note = reader.text()
  const packed = reader.bytes()
  reader.end()
  return { note, highestSeqs: decodeHighestSeqs(packed) }
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED, ERR_COSE_ALG_NOT_ALLOWED, ERR_COSE_SIGNATURE_INVALID */
export async function verifyAnchor(
  signed: Uint8Array,
  brokerKey: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  await verifyBrokerSignature(signed, anchorAad, brokerKey, crypto)
}
