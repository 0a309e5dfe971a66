import type { CryptoProvider, InspectedBlock, P256PublicKey } from '../../protocol/index.ts'
import { inspectBlock, toHex } from '../../protocol/index.ts'
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
    this.#brokerKey = request.brokerKey ?? this.#brokerKey
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

/** Blocks whose bytes lie in one buffer, which can be handed over as a whole. */
export function inOneBuffer(blocks: readonly StoredBlock[]): { blocks: StoredBlock[]; buffer: ArrayBuffer } {
  const length = blocks.reduce((sum, { encoded }) => sum + encoded.length, 0)
  const bytes = new Uint8Array(length)
  let at = 0
  const moved = blocks.map(({ firstIndex, encoded }) => {
    bytes.set(encoded, at)
    at += encoded.length
    return { firstIndex, encoded: bytes.subarray(at - encoded.length, at) }
  })
  return { blocks: moved, buffer: bytes.buffer }
}
