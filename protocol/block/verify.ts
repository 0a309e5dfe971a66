import { bytesEqual } from '../bytes.ts'
import type { P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { leafHash } from '../merkle/index.ts'
import {
  type ChainRecord,
  commitmentOf,
  decodeLeaf,
  decodeRecord,
  type Genesis,
  parseGenesis,
} from '../record/index.ts'
import { type Block, decodeBlock } from './block.ts'
import type { ChainFault, ChainFinding } from './faults.ts'
import { parseSignedHeader, type SignedHeader, verifySignedHeader } from './header.ts'
import { RegistryReplay } from './registry-replay.ts'
import { type ChainState, emptyChainState } from './state.ts'
import { verifyPublisherSignature } from './verify-publisher.ts'

export interface ChainVerifierOptions {
  readonly crypto: CryptoProvider
  /** The broker key to trust. Absent: the one that the genesis record names, which then proves only consistency. */
  readonly brokerKey?: P256PublicKey
  /** The newest signed header kept outside the chain; the chain must contain that block. */
  readonly head?: Uint8Array
  /** Verify publishers' signatures from this index on; hashes and links always. Default 0: all. */
  readonly signaturesFrom?: number
}

/** What was verified so far. */
export interface ChainSummary {
  readonly blocks: number
  readonly records: number
  readonly signatures: number
  readonly genesis: Genesis | undefined
}

/** Thrown inside to leave a block at its first fault. Not an Error: most are made for the case and never thrown. */
class Fault {
  readonly finding: ChainFinding
  constructor(finding: ChainFinding) {
    this.finding = finding
  }
}

/**
 * Verifies a chain block by block from its genesis: header signatures and links, tree, commitments, bodies, key events,
 * publishers' signatures and sequence numbers. Pure: the caller reads the blocks, in the order of their keys.
 */
export class ChainVerifier {
  readonly #crypto: CryptoProvider
  readonly #options: ChainVerifierOptions
  readonly #registry: RegistryReplay
  #head: SignedHeader | undefined
  #headChecked = false
  #state: ChainState
  #genesis: Genesis | undefined
  /** Of whole blocks: a block with a fault counts for nothing. */
  #records = 0
  #signatures = 0

  constructor(options: ChainVerifierOptions) {
    this.#crypto = options.crypto
    this.#options = options
    this.#registry = new RegistryReplay(options.crypto)
    this.#state = emptyChainState(options.crypto)
  }

  get summary(): ChainSummary {
    return { blocks: this.#state.height, records: this.#records, signatures: this.#signatures, genesis: this.#genesis }
  }

  /**
   * Verifies the next block.
   * @param key the first index under which the block is stored
   * @returns the first fault, or undefined; after a fault the verifier must not be used further
   */
  async add(key: number, encoded: Uint8Array): Promise<ChainFinding | undefined> {
    try {
      await this.#add(key, encoded)
      return undefined
    } catch (error) {
      if (error instanceof Fault) return error.finding
      throw error
    }
  }

  /** Checks the end of the chain against the kept header. */
  async finish(): Promise<ChainFinding | undefined> {
    const index = this.#state.frontier.size
    if (this.#state.height === 0) return { cause: 'missing-block', block: 0, index: 0 }
    if (this.#options.head === undefined || this.#headChecked) return undefined
    try {
      const head = await this.#verifiedHead()
      return { cause: 'truncated-below-head', block: head.header.height, index }
    } catch (error) {
      if (error instanceof Fault) return error.finding
      throw error
    }
  }

  async #add(key: number, encoded: Uint8Array): Promise<void> {
    const block = parsed(() => decodeBlock(encoded), this.#fault('malformed-block', key))
    const { header } = block
    if (this.#state.height === 0 && key === 0 && header.firstIndex === 0) this.#readGenesis(block)
    const brokerKey = this.#options.brokerKey ?? this.#genesis?.brokerKey
    if (brokerKey === undefined) throw this.#fault('missing-block', 0)
    await valid(verifySignedHeader(block.signed, brokerKey, this.#crypto), this.#fault('header-signature-invalid', key))
    this.#checkPosition(key, block)
    await this.#checkHead(block)
    this.#checkTree(block)
    await this.#checkRecords(block)
    const previousHash = this.#crypto.sha256(block.encodedHeader)
    this.#state = { ...this.#state, height: header.height + 1, previousHash, timeMs: header.timeMs }
    this.#records = header.treeSize
  }

  #readGenesis(block: Block): void {
    const fault = this.#fault('genesis-invalid', 0)
    const entry = block.entries[0]
    if (entry === undefined) throw fault
    this.#genesis = parsed(() => parseGenesis(decodeRecord(entry.record), this.#crypto), fault)
    const { brokerKey } = this.#options
    if (brokerKey === undefined) return
    if (!bytesEqual(brokerKey.x, this.#genesis.brokerKey.x) || !bytesEqual(brokerKey.y, this.#genesis.brokerKey.y)) {
      throw fault
    }
  }

  #checkPosition(key: number, block: Block): void {
    const { header } = block
    const { height, frontier, previousHash, timeMs } = this.#state
    if (header.firstIndex !== key || header.firstIndex < frontier.size) throw this.#fault('misplaced-block', key)
    if (header.firstIndex > frontier.size) throw this.#fault('missing-block', frontier.size)
    if (header.height !== height) throw this.#fault('misplaced-block', key)
    if (!bytesEqual(header.previousHash, previousHash)) throw this.#fault('previous-hash-mismatch', key)
    const fits = header.count === block.entries.length && header.treeSize === header.firstIndex + header.count
    if (!fits || header.timeMs < timeMs) throw this.#fault('header-inconsistent', key)
  }

  async #checkHead(block: Block): Promise<void> {
    if (this.#options.head === undefined) return
    const head = this.#head ?? (await this.#verifiedHead())
    if (head.header.height !== block.header.height) return
    if (!bytesEqual(head.encodedHeader, block.encodedHeader)) {
      throw this.#fault('differs-from-head', block.header.firstIndex)
    }
    this.#headChecked = true
  }

  async #verifiedHead(): Promise<SignedHeader> {
    const fault = this.#fault('head-invalid', this.#state.frontier.size)
    const signed = this.#options.head as Uint8Array
    const brokerKey = this.#options.brokerKey ?? this.#genesis?.brokerKey
    if (brokerKey === undefined) throw fault
    this.#head = parsed(() => parseSignedHeader(signed), fault)
    await valid(verifySignedHeader(signed, brokerKey, this.#crypto), fault)
    return this.#head
  }

  /** Leaves against the signed root, records against their leaves: tells an altered leaf from an altered record. */
  #checkTree(block: Block): void {
    const { frontier } = this.#state
    for (const entry of block.entries) frontier.append(leafHash(entry.leaf, this.#crypto))
    const leavesAreSigned = bytesEqual(frontier.root(), block.header.rootHash)
    for (const [i, entry] of block.entries.entries()) {
      const index = block.header.firstIndex + i
      const fault = this.#fault(leavesAreSigned ? 'record-mismatch' : 'leaf-mismatch', index)
      const leaf = parsed(() => decodeLeaf(entry.leaf), fault)
      if (!bytesEqual(leaf.commitment, commitmentOf(entry.salt, entry.record, this.#crypto))) throw fault
    }
    if (!leavesAreSigned) throw this.#fault('root-mismatch', block.header.firstIndex)
  }

  async #checkRecords(block: Block): Promise<void> {
    const signatures: Promise<void>[] = []
    let previousMs = this.#state.timeMs
    let failure: unknown
    try {
      for (const [i, entry] of block.entries.entries()) {
        const index = block.header.firstIndex + i
        const record = parsed(() => decodeRecord(entry.record), this.#fault('record-malformed', index))
        const { timeMs } = decodeLeaf(entry.leaf)
        if (record.timeMs !== timeMs || timeMs < previousMs || timeMs > block.header.timeMs) {
          throw this.#fault('header-inconsistent', index)
        }
        previousMs = timeMs
        this.#checkBody(record, entry.body, index)
        this.#checkKind(record, index)
        if (record.outcome === 'signed') signatures.push(this.#checkSigned(record, entry.body, index))
      }
    } catch (error) {
      failure = error
    }
    // Signatures are verified side by side, but the fault reported is the one with the lowest index.
    for (const result of await Promise.allSettled(signatures)) if (result.status === 'rejected') throw result.reason
    if (failure !== undefined) throw failure
  }

  #checkBody(record: ChainRecord, body: Uint8Array | undefined, index: number): void {
    if (record.kind !== 'publish') {
      if (body !== undefined) throw this.#fault('payload-mismatch', index)
      return
    }
    const { payloadSha256, payloadSize } = record
    const matches =
      body !== undefined &&
      payloadSha256 !== undefined &&
      body.length === payloadSize &&
      bytesEqual(this.#crypto.sha256(body), payloadSha256)
    if (!matches) throw this.#fault('payload-mismatch', index)
  }

  #checkKind(record: ChainRecord, index: number): void {
    if ((record.kind === 'genesis') !== (index === 0)) throw this.#fault('genesis-invalid', index)
    if (record.kind !== 'key') return
    const fault = this.#fault('key-event-invalid', index)
    if (!parsed(() => this.#registry.applyKeyEvent(record), fault)) throw fault
  }

  #checkSigned(record: ChainRecord, body: Uint8Array | undefined, index: number): Promise<void> {
    const key = record.thumbprint === undefined ? undefined : this.#registry.signer(record.thumbprint)
    if (key === undefined) throw this.#fault('signer-not-valid', index)
    if (!this.#registry.acceptSeq(record, index)) throw this.#fault('seq-repeated', index)
    if (index < (this.#options.signaturesFrom ?? 0)) return Promise.resolve()
    const fault = this.#fault('signature-invalid', index)
    return valid(verifyPublisherSignature(record, body, key, this.#crypto), fault).then(() => {
      this.#signatures++
    })
  }

  #fault(cause: ChainFault, index: number): Fault {
    return new Fault({ cause, block: this.#state.height, index })
  }
}

/** Runs a parser; bytes that it refuses become the fault. */
function parsed<T>(parse: () => T, fault: Fault): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ProtocolError) throw fault
    throw error
  }
}

/** Awaits a verification; its refusal becomes the fault. */
async function valid(verification: Promise<void>, fault: Fault): Promise<void> {
  try {
    await verification
  } catch (error) {
    if (error instanceof ProtocolError) throw fault
    throw error
  }
}
