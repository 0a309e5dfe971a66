import { bytesEqual } from '../bytes.ts'
import { isSameP256, type P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { leafHash } from '../merkle/index.ts'
import {
  type ChainRecord,
  commitmentOf,
  decodeLeaf,
  decodeRecord,
  type Genesis,
  isRotation,
  isSignedPublish,
  parseConfig,
  parseGenesis,
  parseKeyEvent,
  parseSession,
} from '../record/index.ts'
import { KeyRegistry, type RegisteredKey, signerFault, verifyProofOfPossession } from '../registry/index.ts'
import type { AcceptedSeq } from '../replay/index.ts'
import { type Block, decodeBlock } from './block.ts'
import type { ChainFault, ChainFinding } from './faults.ts'
import { parseSignedHeader, type SignedHeader, verifySignedHeader } from './header.ts'
import { verifyRotationProof } from './rotation-proof.ts'
import { type ChainState, emptyChainState } from './state.ts'
import { verifyPublisherSignature, verifySeqReuse, verifySessionRequest } from './verify-publisher.ts'

export interface ChainVerifierOptions {
  readonly crypto: CryptoProvider
  /**
   * The broker key to trust: the one of the genesis record, or one that took its place, which with its proof answers for
   * the history before it. Absent: whatever the genesis record names, which then proves only consistency.
   */
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

/** About the kept header, not about any block. */
const headInvalid = new Fault({ cause: 'head-invalid', block: 0, index: 0 })

/**
 * Verifies a chain block by block from its genesis: header signatures and links, tree, commitments, bodies, key events,
 * publishers' signatures and sequence numbers. Pure: the caller reads the blocks, in the order of their keys.
 */
export class ChainVerifier {
  readonly #crypto: CryptoProvider
  readonly #options: ChainVerifierOptions
  readonly #registry: KeyRegistry
  /** Parsed with the first block. */
  #head: SignedHeader | undefined
  #headChecked = false
  #state: ChainState
  #genesis: Genesis | undefined
  /** Whether the chain has led to the key to trust. */
  #isTrusted: boolean
  /** Of whole blocks: a block with a fault counts for nothing. */
  #records = 0
  #signatures = 0

  constructor(options: ChainVerifierOptions) {
    this.#crypto = options.crypto
    this.#options = options
    this.#registry = new KeyRegistry(options.crypto)
    this.#state = emptyChainState(options.crypto)
    this.#isTrusted = options.brokerKey === undefined
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

  /**
   * Checks that the chain led to the key to trust, and its end against the kept header.
   * @param isWhole false: more blocks follow that were not asked for, so the kept header may be one of them
   */
  async finish(isWhole = true): Promise<ChainFinding | undefined> {
    if (this.#state.height === 0) return { cause: 'missing-block', block: 0, index: 0 }
    const end = isWhole ? await this.#findingAtEnd() : undefined
    if (end?.cause === 'truncated-below-head') return end
    if (this.#isTrusted) return end
    // It may be consistent, but whoever made it is not the one who is trusted.
    this.#records = 0
    this.#signatures = 0
    return { cause: 'genesis-invalid', block: 0, index: 0 }
  }

  async #findingAtEnd(): Promise<ChainFinding | undefined> {
    const head = this.#head
    if (head === undefined || this.#headChecked) return undefined
    // The key that signed it may be one that the missing blocks would have named.
    for (const key of [this.#registry.notary.broker, this.#options.brokerKey]) {
      if (key === undefined || !(await isSignedBy(head, key, this.#crypto))) continue
      return { cause: 'truncated-below-head', block: head.header.height, index: this.#state.frontier.size }
    }
    return headInvalid.finding
  }

  async #add(key: number, encoded: Uint8Array): Promise<void> {
    const { head: kept } = this.#options
    if (kept !== undefined) this.#head ??= parsed(() => parseSignedHeader(kept), headInvalid)
    const block = parsed(() => decodeBlock(encoded), this.#fault('malformed-block', key))
    const { header } = block
    if (this.#state.height === 0 && key === 0 && header.firstIndex === 0) this.#readGenesis(block)
    const brokerKey = this.#registry.notary.broker ?? this.#options.brokerKey
    if (brokerKey === undefined) throw this.#fault('missing-block', 0)
    await valid(verifySignedHeader(block.signed, brokerKey, this.#crypto), this.#fault('header-signature-invalid', key))
    this.#checkPosition(key, block)
    await this.#checkHead(block, brokerKey)
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
    const genesis = parsed(() => parseGenesis(decodeRecord(entry.record), this.#crypto), fault)
    this.#genesis = genesis
    this.#registry.begin(genesis)
    this.#trustIfGiven(genesis.brokerKey)
  }

  #trustIfGiven(key: P256PublicKey): void {
    const { brokerKey } = this.#options
    if (brokerKey !== undefined && isSameP256(brokerKey, key)) this.#isTrusted = true
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

  async #checkHead(block: Block, brokerKey: P256PublicKey): Promise<void> {
    const head = this.#head
    if (head?.header.height !== block.header.height) return
    if (!(await isSignedBy(head, brokerKey, this.#crypto))) throw headInvalid
    if (!bytesEqual(head.encodedHeader, block.encodedHeader)) {
      throw this.#fault('differs-from-head', block.header.firstIndex)
    }
    this.#headChecked = true
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
        const verification = this.#checkKind(record, entry.body, index, block.entries.length)
        if (verification !== undefined) signatures.push(verification)
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

  /**
   * Checks what a record of its kind says, and enters it.
   * @param count records in its block
   * @returns what is to be verified side by side with others
   */
  #checkKind(
    record: ChainRecord,
    body: Uint8Array | undefined,
    index: number,
    count: number,
  ): Promise<void> | undefined {
    if ((record.kind === 'genesis') !== (index === 0)) throw this.#fault('genesis-invalid', index)
    const { storedTopic, mac } = record
    const isForPublish = storedTopic !== undefined || mac !== undefined
    if ((isForPublish && record.kind !== 'publish') || (storedTopic !== undefined && storedTopic === record.topic)) {
      throw this.#fault('record-malformed', index)
    }
    switch (record.kind) {
      case 'config':
        parsed(() => parseConfig(record), this.#fault('record-malformed', index))
        return undefined
      case 'session': {
        const session = parsed(() => parseSession(record), this.#fault('record-malformed', index))
        return this.#checkSigned(record, index, (key) => verifySessionRequest(session, key, this.#crypto))
      }
      case 'key':
        return this.#checkKeyEvent(record, index, count)
      case 'recovery': {
        const fault = this.#fault('recovery-invalid', index)
        if (!parsed(() => this.#registry.enter(record, index), fault)) throw fault
        return undefined
      }
      case 'seq-reuse':
        return this.#checkReuse(record, index)
      default:
        if (!isSignedPublish(record)) return undefined
        return this.#checkSigned(record, index, (key) => verifyPublisherSignature(record, body, key, this.#crypto))
    }
  }

  #checkKeyEvent(record: ChainRecord, index: number, count: number): Promise<void> | undefined {
    const fault = this.#fault('key-event-invalid', index)
    const event = parsed(() => parseKeyEvent(record, this.#crypto), fault)
    if (!this.#registry.apply(event, index)) throw fault
    const origin = this.#genesis?.origin ?? ''
    if (isRotation(event)) {
      // Nothing beside it: its proof answers for the blocks before, and for nothing else of this one.
      if (count !== 1) throw fault
      if (event.action === 'broker-key') this.#trustIfGiven(event.key)
      return valid(verifyRotationProof(event, { ...this.#state, origin }, this.#crypto), fault)
    }
    if (event.action !== 'enroll' || event.proof === undefined) return undefined
    return valid(verifyProofOfPossession(event.proof, event.key, origin, this.#crypto), fault)
  }

  #checkReuse(record: ChainRecord, index: number): Promise<void> {
    const fault = this.#fault('seq-reuse-invalid', index)
    if (!parsed(() => this.#registry.enter(record, index), fault)) throw fault
    // The registry would not have taken it without them.
    const { thumbprint, seq } = record as Required<ChainRecord>
    const signer = this.#registry.resolve(thumbprint) as RegisteredKey
    const { contentDigest } = signer.window.find(seq) as AcceptedSeq
    return valid(verifySeqReuse(record, contentDigest, signer.key, this.#crypto), fault)
  }

  /** Key, restrictions and sequence number at once, the signature later. */
  #checkSigned(
    record: ChainRecord,
    index: number,
    verify: (key: P256PublicKey) => Promise<void>,
  ): Promise<void> | undefined {
    const { thumbprint } = record
    const signer = thumbprint === undefined ? undefined : this.#registry.resolve(thumbprint)
    if (signer === undefined) throw this.#fault('signer-not-valid', index)
    const refused = signerFault(signer, record, index)
    if (refused !== undefined) throw this.#fault(refused, index)
    if (!this.#registry.enter(record, index)) throw this.#fault('seq-repeated', index)
    if (index < (this.#options.signaturesFrom ?? 0)) return undefined
    return valid(verify(signer.key), this.#fault('signature-invalid', index)).then(() => {
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

/** Whether a header carries a signature by this key. */
async function isSignedBy({ signed }: SignedHeader, key: P256PublicKey, crypto: CryptoProvider): Promise<boolean> {
  try {
    await verifySignedHeader(signed, key, crypto)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
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
