import {
  type BlockEntry,
  type BlockHeader,
  BlockSigner,
  buildBlock,
  type ChainFinding,
  type ChainRecord,
  type ChainState,
  ChainVerifier,
  type ChainVerifierOptions,
  type CryptoProvider,
  commitmentOf,
  emptyChainState,
  encodeBlock,
  encodeBlockHeader,
  encodeLeaf,
  encodeRecord,
  leafHash,
  type P256PrivateKey,
  type RecordWithBody,
} from '../../protocol/index.ts'

/** A block as a store has it. */
export interface StoredBlock {
  /** First index: the key in the store. */
  readonly key: number
  readonly encoded: Uint8Array
  /** The signed header alone. */
  readonly signed: Uint8Array
}

/** What a dishonest broker changes before it signs. */
export interface Forgery {
  readonly entries: readonly BlockEntry[]
  readonly header?: Partial<BlockHeader>
  readonly timeMs: number
}

/** Grows a chain in memory; the state can be taken at any point to grow another one from there. */
export class TestChain {
  readonly #brokerKey: P256PrivateKey
  readonly crypto: CryptoProvider
  readonly signer: BlockSigner
  readonly blocks: StoredBlock[]
  state: ChainState

  /** @param from the chain to go on from */
  constructor(brokerKey: P256PrivateKey, crypto: CryptoProvider, from?: TestChain) {
    this.#brokerKey = brokerKey
    this.crypto = crypto
    this.signer = new BlockSigner(brokerKey, crypto)
    this.blocks = [...(from?.blocks ?? [])]
    this.state = from?.state ?? emptyChainState(crypto)
  }

  /** A chain that goes its own way from here. */
  fork(): TestChain {
    return new TestChain(this.#brokerKey, this.crypto, this)
  }

  append(records: readonly RecordWithBody[], timeMs: number): StoredBlock {
    const built = buildBlock(this.state, records, timeMs, this.signer, this.crypto)
    return this.#push(built.header.firstIndex, built.encoded, built.signed, built.next)
  }

  /** Appends a block with any entries and any header, signed properly. */
  appendForged(forgery: Forgery): StoredBlock {
    const { state } = this
    const frontier = state.frontier.clone()
    for (const entry of forgery.entries) frontier.append(leafHash(entry.leaf, this.crypto))
    const header: BlockHeader = {
      height: state.height,
      previousHash: state.previousHash,
      firstIndex: state.frontier.size,
      count: forgery.entries.length,
      timeMs: forgery.timeMs,
      treeSize: frontier.size,
      rootHash: frontier.root(),
      ...forgery.header,
    }
    const encodedHeader = encodeBlockHeader(header)
    const signed = this.signer.sign(encodedHeader)
    const encoded = encodeBlock(signed, forgery.entries)
    const previousHash = this.crypto.sha256(encodedHeader)
    const next = { height: header.height + 1, previousHash, timeMs: header.timeMs, frontier }
    return this.#push(state.frontier.size, encoded, signed, next)
  }

  /** An entry whose leaf commits to its record. @param record encoded already when it is to be malformed */
  entry(record: ChainRecord | Uint8Array, body?: Uint8Array, leafTimeMs?: number): BlockEntry {
    const encoded = record instanceof Uint8Array ? record : encodeRecord(record)
    const timeMs = leafTimeMs ?? (record instanceof Uint8Array ? this.state.timeMs : record.timeMs)
    const salt = this.crypto.randomBytes(16)
    const leaf = encodeLeaf({ timeMs, commitment: commitmentOf(salt, encoded, this.crypto) })
    return { leaf, salt, record: encoded, body }
  }

  #push(key: number, encoded: Uint8Array, signed: Uint8Array, next: ChainState): StoredBlock {
    // Copies, since a writer may hand out views of one buffer.
    const block = { key, encoded: encoded.slice(), signed: signed.slice() }
    this.blocks.push(block)
    this.state = next
    return block
  }
}

/** Verifies stored blocks in the order given. @returns the first finding */
export async function findingIn(
  blocks: readonly Pick<StoredBlock, 'key' | 'encoded'>[],
  options: ChainVerifierOptions,
): Promise<ChainFinding | undefined> {
  const verifier = new ChainVerifier(options)
  for (const { key, encoded } of blocks) {
    const finding = await verifier.add(key, encoded)
    if (finding !== undefined) return finding
  }
  return verifier.finish()
}
