import type { CryptoProvider, InspectedBlock, P256PublicKey } from '../../protocol/index.ts'
import { inspectBlock, isSameP256, parseSignedHeader, toHex } from '../../protocol/index.ts'
import type { StoredBlock } from '../audit-chain/index.ts'

/** A publisher's key that an inspector is told of. */
export interface PublisherKey {
  /** 32 bytes. */
  readonly thumbprint: Uint8Array
  readonly key: P256PublicKey
}

/** What a thread is sent: blocks that follow one another, and the keys that it does not have yet. */
export interface InspectionRequest {
  readonly blocks: readonly StoredBlock[]
  readonly newKeys: readonly PublisherKey[]
  /** Undefined: the one it has, or none is known. */
  readonly brokerKey: P256PublicKey | undefined
  /** Publishers' signatures are looked at from this index on. */
  readonly signaturesFrom: number
}

/** Looks at blocks by themselves, and remembers the keys: a key object that is made once serves all its signatures. */
export class BlockInspector {
  readonly #crypto: CryptoProvider
  readonly #keys = new Map<string, P256PublicKey>()
  #brokerKey: P256PublicKey | undefined

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto
  }

  async inspect(request: InspectionRequest): Promise<InspectedBlock[]> {
    for (const { thumbprint, key } of request.newKeys) this.#keys.set(toHex(thumbprint), key)
    // The same key comes with every request, each time as another object, for which a key object would be made.
    const { brokerKey } = request
    if (brokerKey !== undefined && (this.#brokerKey === undefined || !isSameP256(brokerKey, this.#brokerKey))) {
      this.#brokerKey = brokerKey
    }
    const options = {
      crypto: this.#crypto,
      brokerKey: this.#brokerKey,
      keyOf: (thumbprint: Uint8Array) => this.#keys.get(toHex(thumbprint)),
      signaturesFrom: request.signaturesFrom,
    }
    const inspected: InspectedBlock[] = []
    for (const { firstIndex, encoded } of request.blocks) {
      inspected.push(await inspectBlock(firstIndex, encoded, options))
    }
    return inspected
  }
}

/** What a thread answers. */
export interface InspectionAnswer {
  readonly inspected: readonly InspectedBlock[]
  /** What the blocks came in, for others to come in: memory that is always made anew keeps the collector busy. */
  readonly buffer: ArrayBuffer
}

/** What was found in a block, with nothing in it that is a view of the block. */
export function detached(block: InspectedBlock): InspectedBlock {
  const { header, records } = block
  return {
    ...block,
    header: header && parseSignedHeader(new Uint8Array(header.signed)),
    records: records.map((found) => ({ ...found, record: copyOf(found.record), body: copyOf(found.body) })),
  }
}

/** Not `slice()`, which is a view where the bytes are a Buffer. */
function copyOf(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes && new Uint8Array(bytes)
}

/** Most batches of blocks find room in this. */
const usualBufferBytes = 512 * 1024

/**
 * Blocks whose bytes lie in one buffer, which can be handed over as a whole.
 * @param spare taken when they have room in it
 */
export function inOneBuffer(
  blocks: readonly StoredBlock[],
  spare?: ArrayBuffer,
): { blocks: StoredBlock[]; buffer: ArrayBuffer } {
  const length = blocks.reduce((sum, { encoded }) => sum + encoded.length, 0)
  const isEnough = spare !== undefined && spare.byteLength >= length
  const buffer = isEnough ? spare : new ArrayBuffer(Math.max(length, usualBufferBytes))
  const bytes = new Uint8Array(buffer)
  let at = 0
  const moved = blocks.map(({ firstIndex, encoded }) => {
    bytes.set(encoded, at)
    at += encoded.length
    return { firstIndex, encoded: bytes.subarray(at - encoded.length, at) }
  })
  return { blocks: moved, buffer }
}
