import { CborReader, CborWriter } from '../cbor/index.ts'
import { externalAad, type P256PrivateKey, type P256PublicKey, parseSign1 } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { BrokerSigner, verifyBrokerSignature } from './broker-signature.ts'

/** One link of the chain of blocks. */
export interface BlockHeader {
  readonly height: number
  /** SHA-256 of the previous block's encoded header; 32 zero bytes at height 0. */
  readonly previousHash: Uint8Array
  /** Index of the block's first record. */
  readonly firstIndex: number
  readonly count: number
  readonly timeMs: number
  /** Leaves in the tree after this block: `firstIndex + count`. */
  readonly treeSize: number
  /** Root of that tree. */
  readonly rootHash: Uint8Array
}

/** `previousHash` of block 0. */
export const noPreviousHash: Uint8Array = new Uint8Array(32)

/** Bound into every header signature, so that it can be taken for nothing else. */
const blockAad = externalAad('block')

/** CBOR `[height, previousHash, firstIndex, count, timeMs, treeSize, rootHash]`: what is signed and linked. */
export function encodeBlockHeader(header: BlockHeader): Uint8Array {
  return new CborWriter(128)
    .array(7)
    .int(header.height)
    .bytes(header.previousHash)
    .int(header.firstIndex)
    .int(header.count)
    .int(header.timeMs)
    .int(header.treeSize)
    .bytes(header.rootHash)
    .finish()
}

/** @throws {ProtocolError} ERR_CBOR_* */
export function decodeBlockHeader(encoded: Uint8Array): BlockHeader {
  const reader = new CborReader(encoded)
  reader.array(7)
  const header = {
    height: reader.uint(),
    previousHash: reader.bytes(32),
    firstIndex: reader.uint(),
    count: reader.uint(),
    timeMs: reader.uint(),
    treeSize: reader.uint(),
    rootHash: reader.bytes(32),
  }
  reader.end()
  return header
}

/** Signs headers with one broker key. */
export class BlockSigner {
  readonly #signer: BrokerSigner

  constructor(key: P256PrivateKey, crypto: CryptoProvider) {
    this.#signer = new BrokerSigner(key, crypto)
  }

  /** @returns tagged COSE_Sign1 whose payload is `encodedHeader` */
  sign(encodedHeader: Uint8Array): Uint8Array {
    return this.#signer.sign(blockAad, encodedHeader)
  }
}

/** A header with the bytes that the next block links to. */
export interface SignedHeader {
  readonly header: BlockHeader
  readonly encodedHeader: Uint8Array
  /** The COSE_Sign1. */
  readonly signed: Uint8Array
}

/** Parses a signed header without verifying it. @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED */
export function parseSignedHeader(signed: Uint8Array): SignedHeader {
  const { payload } = parseSign1(signed)
  if (payload === undefined) throw new ProtocolError('ERR_COSE_MALFORMED', 'a block header carries its payload')
  return { header: decodeBlockHeader(payload), encodedHeader: payload, signed }
}

/** @throws {ProtocolError} ERR_COSE_MALFORMED, ERR_COSE_ALG_NOT_ALLOWED, ERR_COSE_SIGNATURE_INVALID */
export async function verifySignedHeader(
  signed: Uint8Array,
  brokerKey: P256PublicKey,
  crypto: CryptoProvider,
): Promise<void> {
  await verifyBrokerSignature(signed, blockAad, brokerKey, crypto)
}
