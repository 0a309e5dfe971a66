import {
  type BlockEntry,
  type ChainFinding,
  ChainVerifier,
  encodeBlock,
  type InspectedBlock,
  inspectBlock,
  nobleCrypto,
  type P256PublicKey,
} from '../../../protocol/index.ts'
import { flipAt } from './flip.ts'
import type { LabBlock } from './stored-chain.ts'

/** A chain whose blocks were looked at one by one: verifying it again, with one of them altered, is cheap then. */
export class LabChain {
  readonly #blocks: readonly LabBlock[]
  readonly #brokerKey: P256PublicKey
  readonly #inspected: readonly InspectedBlock[]

  private constructor(blocks: readonly LabBlock[], brokerKey: P256PublicKey, inspected: readonly InspectedBlock[]) {
    this.#blocks = blocks
    this.#brokerKey = brokerKey
    this.#inspected = inspected
  }

  static async of(blocks: readonly LabBlock[], brokerKey: P256PublicKey): Promise<LabChain> {
    const inspected: InspectedBlock[] = []
    for (const block of blocks) inspected.push(await inspect(block, brokerKey))
    return new LabChain(blocks, brokerKey, inspected)
  }

  /** Verifies everything, publishers' signatures included. @returns the first fault and what was verified */
  async verify() {
    const verifier = new ChainVerifier({ crypto: nobleCrypto, brokerKey: this.#brokerKey })
    for (const block of this.#inspected) await verifier.enter(block)
    return { fault: await verifier.finish(), ...verifier.summary }
  }

  /**
   * Verifies hashes, links and headers as if one block were stored with one bit altered.
   * @param turn which part of it: header, leaf, record or payload, or the next one that it has
   * @returns what is found first
   */
  async verifyAltered(height: number, turn: number): Promise<ChainFinding | undefined> {
    const block = this.#blocks[height]
    if (block === undefined) throw new RangeError(`there is no block ${height}`)
    const altered = await inspect(alter(block, turn), this.#brokerKey)
    const verifier = new ChainVerifier({
      crypto: nobleCrypto,
      brokerKey: this.#brokerKey,
      signaturesFrom: Number.MAX_SAFE_INTEGER,
    })
    for (const [at, inspected] of this.#inspected.slice(0, height + 1).entries()) {
      const found = await verifier.enter(at === height ? altered : inspected)
      if (found !== undefined) return found
    }
    return undefined
  }
}

function inspect({ firstIndex, header, entries }: LabBlock, brokerKey: P256PublicKey): Promise<InspectedBlock> {
  const options = { crypto: nobleCrypto, brokerKey, signaturesFrom: Number.MAX_SAFE_INTEGER }
  return inspectBlock(firstIndex, encodeBlock(header, entries), options)
}

/** Each makes a block with one bit altered, if it has such a part. */
const alterations: readonly ((block: LabBlock) => LabBlock | undefined)[] = [
  (block) => ({ ...block, header: flipMiddle(block.header) }),
  (block) => withLast(block, (entry) => ({ ...entry, leaf: flipMiddle(entry.leaf) })),
  (block) =>
    withLast(block, (entry) =>
      entry.record === undefined ? undefined : { ...entry, record: flipMiddle(entry.record) },
    ),
  (block) =>
    withLast(block, (entry) => {
      const { body } = entry
      return body === undefined || body.length === 0 ? undefined : { ...entry, body: flipMiddle(body) }
    }),
]

function alter(block: LabBlock, turn: number): LabBlock {
  for (let more = 0; more < alterations.length; more++) {
    const altered = alterations[(turn + more) % alterations.length]?.(block)
    if (altered !== undefined) return altered
  }
  throw new RangeError('a block has a header')
}

function withLast(block: LabBlock, change: (entry: BlockEntry) => BlockEntry | undefined): LabBlock | undefined {
  const last = block.entries.at(-1)
  const changed = last && change(last)
  return changed && { ...block, entries: [...block.entries.slice(0, -1), changed] }
}

function flipMiddle(bytes: Uint8Array): Uint8Array {
  return flipAt(bytes, bytes.length >> 1)
}
