import { bytesEqual } from '../bytes.ts'
import { isSameP256, type P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import type { Frontier, TreeGrowth } from '../merkle/index.ts'
import { decodeRecord, type Genesis, parseGenesis } from '../record/index.ts'
import { KeyRegistry, type RegisteredKey } from '../registry/index.ts'
import { type DamageExtent, DamageLog } from './damage.ts'
import { ErasureLedger } from './erasures.ts'
import type { ChainFault, ChainFinding } from './faults.ts'
import { type BlockHeader, parseSignedHeader, type SignedHeader, verifySignedHeader } from './header.ts'
import { type InspectedBlock, inspectBlock, isValid, orUndefined } from './inspect.ts'
import { RecordPass } from './record-pass.ts'
import { emptyChainState } from './state.ts'
import { VerifiedTree } from './verified-tree.ts'

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
  /**
   * The right edge of the tree at a size, from anywhere: with it the blocks behind a gap can be held against their signed
   * roots. Not trusted. Undefined when it is not known.
   */
  readonly frontierAt?: (treeSize: number) => Promise<Frontier | undefined>
}

/** What was verified so far. */
export interface ChainSummary {
  /** Blocks looked at. */
  readonly blocks: number
  /** Of whole blocks, before the first one with a fault. */
  readonly records: number
  readonly signatures: number
  /** Gone as records of the chain announce, or not. */
  readonly erased: { readonly bodies: number; readonly records: number }
  readonly genesis: Genesis | undefined
}

/** What is wrong with a chain, and how far it goes. */
export interface ChainDamage {
  readonly firstBad: ChainFinding
  /** Records that cannot be vouched for. */
  readonly bad: number
  /** Undefined when no block is concerned, only the kept header. */
  readonly extent: DamageExtent | undefined
  /** Records above the extent, all of which verify. */
  readonly recordsAfter: number
  /** Whether the kept header is in the chain; undefined when none was given. */
  readonly containsHead: boolean | undefined
}

/** Blocks under a bad header whose key events wait for a later root to vouch for them. */
const maxUnconfirmed = 16

/**
 * Verifies a chain block by block from its genesis: header signatures and links, tree, commitments, bodies, key events,
 * publishers' signatures and sequence numbers. Behind a fault it goes on, to find how far the damage goes. Pure: the
 * caller reads the blocks, in the order of their keys.
 */
export class ChainVerifier {
  readonly #crypto: CryptoProvider
  readonly #options: ChainVerifierOptions
  readonly #registry: KeyRegistry
  readonly #damage = new DamageLog()
  readonly #tree: VerifiedTree
  readonly #erasures = new ErasureLedger()
  /** Parsed with the first block; undefined again when the broker did not sign it. */
  #head: SignedHeader | undefined
  #isHeadRead = false
  #headChecked = false
  /** Of the next block. */
  #height = 0
  /** Unknown behind a gap or a bad header. */
  #previousHash: Uint8Array | undefined
  #timeMs = 0
  #blocks = 0
  #genesis: Genesis | undefined
  /** Whether the chain has led to the key to trust. */
  #isTrusted: boolean
  #unconfirmed: InspectedBlock[] = []
  /** Of whole blocks: a block with a fault, and what follows it, counts for nothing. */
  #records = 0
  #signatures = 0
  /** First finding of the block at hand. */
  #found: ChainFinding | undefined
  #growth: TreeGrowth | undefined

  constructor(options: ChainVerifierOptions) {
    const { crypto, brokerKey } = options
    this.#crypto = crypto
    this.#options = options
    this.#registry = new KeyRegistry(crypto)
    this.#tree = new VerifiedTree(crypto, options.frontierAt)
    this.#previousHash = emptyChainState(crypto).previousHash
    this.#isTrusted = brokerKey === undefined
  }

  get summary(): ChainSummary {
    const { bodies, records } = this.#erasures
    const [signatures, genesis] = [this.#signatures, this.#genesis]
    return { blocks: this.#blocks, records: this.#records, signatures, erased: { bodies, records }, genesis }
  }

  /** Records looked at, whole or not. */
  get treeSize(): number {
    return this.#tree.size
  }

  /** Key that the next header is to be signed with, as far as it is known. */
  get brokerKey(): P256PublicKey | undefined {
    return this.#registry.notary.broker ?? this.#options.brokerKey
  }

  /** All keys of publishers so far, in the order of their enrolment. */
  get publisherKeys(): readonly RegisteredKey[] {
    return this.#registry.list()
  }

  /** All keys that the log signs, or signed, its checkpoints with: Ed25519. */
  get logKeys(): readonly Uint8Array[] {
    return this.#registry.notary.logs.map(({ key }) => key)
  }

  /** What the newest block added to the tree; undefined when it was not vouched for. */
  get growth(): TreeGrowth | undefined {
    return this.#growth
  }

  /** Undefined while nothing was found. */
  get damage(): ChainDamage | undefined {
    const { first: firstBad, bad, extent } = this.#damage
    if (firstBad === undefined) return undefined
    const recordsAfter = extent === undefined ? this.treeSize : Math.max(0, this.treeSize - 1 - extent.toIndex)
    const containsHead = this.#options.head === undefined ? undefined : this.#headChecked
    return { firstBad, bad, extent, recordsAfter, containsHead }
  }

  /**
   * Verifies the next block.
   * @param key the first index under which the block is stored
   * @returns the first fault in it, or undefined
   */
  async add(key: number, encoded: Uint8Array): Promise<ChainFinding | undefined> {
    const { crypto, signaturesFrom = 0 } = this.#options
    return this.enter(await inspectBlock(key, encoded, { crypto, signaturesFrom }))
  }

  /**
   * Verifies the next block, of which everything is known already that can be known without the ones before it.
   * @returns the first fault in it, or undefined
   */
  async enter(block: InspectedBlock): Promise<ChainFinding | undefined> {
    this.#found = undefined
    this.#growth = undefined
    this.#readHead()
    await this.#enter(block)
    this.#blocks++
    return this.#found
  }

  /**
   * Checks that the chain led to the key to trust, its end against the kept header, and that what is gone was announced.
   * @param isWhole false: more blocks follow that were not asked for, so the kept header may be one of them, or the
   *   announcement of what is gone may stand there
   * @returns the first thing found wrong in the whole chain
   */
  async finish(isWhole = true): Promise<ChainFinding | undefined> {
    this.#found = undefined
    if (isWhole) {
      for (const place of this.#erasures.unannounced()) this.#damage.addLate({ cause: 'erased-unannounced', ...place })
    }
    if (this.#blocks === 0) this.#report('missing-block', 0)
    else if (isWhole) await this.#checkEnd()
    if (!this.#isTrusted && this.#damage.first?.cause !== 'truncated-below-head') {
      // It may be consistent, but whoever made it is not the one who is trusted.
      this.#records = 0
      this.#signatures = 0
      this.#damage.addAll({ cause: 'genesis-invalid', block: 0, index: 0 }, this.treeSize, this.#blocks)
    }
    return this.#damage.first
  }

  async #checkEnd(): Promise<void> {
    const head = this.#head
    if (head === undefined || this.#headChecked || this.#damage.first?.cause === 'differs-from-head') return
    const { height, treeSize } = head.header
    // The key that signed it may be one that the missing blocks would have named.
    for (const key of [this.#registry.notary.broker, this.#options.brokerKey]) {
      if (key === undefined || !(await isSignedBy(head, key, this.#crypto))) continue
      const index = this.#tree.size
      this.#report('truncated-below-head', index, height, Math.max(index, treeSize - 1))
      return
    }
    this.#damage.addBeside({ cause: 'head-invalid', block: 0, index: 0 })
  }

  #readHead(): void {
    const { head } = this.#options
    if (head === undefined || this.#isHeadRead) return
    this.#isHeadRead = true
    this.#head = orUndefined(() => parseSignedHeader(head))
    if (this.#head === undefined) this.#headIsInvalid()
  }

  #headIsInvalid(): void {
    const finding = { cause: 'head-invalid', block: 0, index: 0 } as const
    this.#head = undefined
    this.#found ??= finding
    this.#damage.addBeside(finding)
  }

  async #enter(block: InspectedBlock): Promise<void> {
    const { key, header: signed } = block
    if (signed === undefined) {
      this.#report('malformed-block', key)
      return
    }
    const { header } = signed
    const isBegun = this.#blocks > 0 || key !== 0 || header.firstIndex !== 0 || this.#readGenesis(block)
    const { brokerKey } = this
    if (brokerKey === undefined) {
      this.#report('missing-block', 0, 0, key + block.count - 1, key)
      return
    }
    const signer = await this.#signerOf(block, signed, brokerKey)
    if (signer === undefined) {
      this.#reportBlock('header-signature-invalid', block)
      this.#carry(block)
      return
    }
    if (!this.#isInPlace(block, header)) return
    const isLinked = this.#checkLink(block, signed)
    const isOfHead = await this.#checkHead(block, signed, signer)
    const isWhole = isBegun && isLinked && isOfHead
    const vouched =
      block.count === header.count
        ? await this.#checkTree(block, header, isWhole)
        : this.#tree.skipTo(key + header.count)
    if (vouched !== undefined) await this.#checkRecords(block, header, vouched, isWhole)
    this.#height = header.height + 1
    this.#previousHash = this.#crypto.sha256(signed.encodedHeader)
    this.#timeMs = Math.max(this.#timeMs, header.timeMs)
    if (this.#damage.first === undefined) this.#records = header.treeSize
  }

  #readGenesis(block: InspectedBlock): boolean {
    const [first] = block.records
    const encoded = first?.at === 0 ? first.record : undefined
    const genesis = encoded && orUndefined(() => parseGenesis(decodeRecord(encoded), this.#crypto))
    if (genesis === undefined) {
      this.#reportBlock('genesis-invalid', block)
      return false
    }
    this.#genesis = genesis
    this.#registry.begin(genesis)
    this.#trustIfGiven(genesis.brokerKey)
    return true
  }

  #trustIfGiven(key: P256PublicKey): void {
    const { brokerKey } = this.#options
    if (brokerKey !== undefined && isSameP256(brokerKey, key)) this.#isTrusted = true
  }

  /** Behind damage the key that is trusted may be in force by a record that was lost. */
  async #signerOf(
    { signedBy }: InspectedBlock,
    header: SignedHeader,
    brokerKey: P256PublicKey,
  ): Promise<P256PublicKey | undefined> {
    if (signedBy !== undefined && isSameP256(signedBy, brokerKey)) return brokerKey
    if (await isSignedBy(header, brokerKey, this.#crypto)) return brokerKey
    const { brokerKey: trusted } = this.#options
    if (this.#damage.first === undefined || trusted === undefined) return undefined
    return (await isSignedBy(header, trusted, this.#crypto)) ? trusted : undefined
  }

  /** A block under a bad header: its leaves may still be those that the next root covers. */
  #carry(block: InspectedBlock): void {
    if (block.key !== this.#tree.size) return
    this.#tree.carry(block)
    if (this.#unconfirmed.length < maxUnconfirmed) this.#unconfirmed.push(block)
    this.#height++
    this.#previousHash = undefined
  }

  /** False: the block is passed over. Behind a gap everything but the tree begins anew. */
  #isInPlace(block: InspectedBlock, header: BlockHeader): boolean {
    const { key } = block
    const { size } = this.#tree
    const isAhead = header.firstIndex === key && key > size
    if (isAhead) {
      this.#report('missing-block', size, undefined, key - 1)
      this.#tree.skipTo(key)
      this.#unconfirmed = []
      this.#height = header.height
      this.#previousHash = undefined
      return true
    }
    if (header.firstIndex === key && key === size && header.height === this.#height) return true
    // No record is lost by it; what should stand there is missed by the next block, or at the end.
    this.#report('misplaced-block', key, this.#height, key - 1)
    return false
  }

  #checkLink(block: InspectedBlock, { header }: SignedHeader): boolean {
    if (this.#previousHash !== undefined && !bytesEqual(header.previousHash, this.#previousHash)) {
      this.#reportBlock('previous-hash-mismatch', block)
      return false
    }
    const fits = header.count === block.count && header.treeSize === header.firstIndex + header.count
    if (fits && header.timeMs >= this.#timeMs) return true
    this.#reportBlock('header-inconsistent', { ...block, count: header.count })
    return false
  }

  async #checkHead(
    block: InspectedBlock,
    { header, encodedHeader }: SignedHeader,
    signer: P256PublicKey,
  ): Promise<boolean> {
    const head = this.#head
    if (head?.header.height !== header.height) return true
    if (!(await isSignedBy(head, signer, this.#crypto))) this.#headIsInvalid()
    else if (bytesEqual(head.encodedHeader, encodedHeader)) this.#headChecked = true
    else {
      this.#reportBlock('differs-from-head', block)
      return false
    }
    return true
  }

  /**
   * Leaves against the signed root, records against their leaves: tells an altered leaf from an altered record.
   * @param isWhole false: the block is reported as a whole already
   * @returns places of the records that are not what the root covers; undefined: none of them can be vouched for
   */
  async #checkTree(
    block: InspectedBlock,
    { firstIndex, rootHash }: BlockHeader,
    isWhole: boolean,
  ): Promise<ReadonlySet<number> | undefined> {
    const step = await this.#tree.add(block, rootHash)
    const altered = block.uncommitted.map(({ at }) => at)
    if (step === undefined) {
      this.#unconfirmed = []
      const [first] = altered
      if (first === undefined) this.#reportBlock('root-mismatch', block)
      else this.#report('leaf-mismatch', firstIndex + first, undefined, firstIndex + block.count - 1, firstIndex)
      return undefined
    }
    this.#growth = step.growth
    if (step.isContinued) this.#enterUnconfirmed()
    this.#unconfirmed = []
    const cause = step.isMended ? 'leaf-mismatch' : 'record-mismatch'
    if (isWhole) for (const at of altered) this.#report(cause, firstIndex + at)
    return step.isMended ? new Set() : new Set(altered)
  }

  /** The root covers them now, whatever their own header says. */
  #enterUnconfirmed(): void {
    for (const block of this.#unconfirmed) {
      const altered = new Set(block.uncommitted.map(({ at }) => at))
      for (const { at, record: encoded } of block.records) {
        const record = encoded && !altered.has(at) ? orUndefined(() => decodeRecord(encoded)) : undefined
        if (record !== undefined) orUndefined(() => this.#registry.enter(record, block.key + at))
      }
    }
  }

  async #checkRecords(
    block: InspectedBlock,
    header: BlockHeader,
    altered: ReadonlySet<number>,
    isWhole: boolean,
  ): Promise<void> {
    const { firstIndex } = header
    const pass = new RecordPass(this.#crypto, this.#registry, {
      origin: this.#genesis?.origin ?? '',
      header,
      count: block.count,
      signaturesFrom: this.#options.signaturesFrom ?? 0,
      erasures: this.#erasures,
      onBrokerKey: (key) => this.#trustIfGiven(key),
    })
    const isTooOld = !altered.has(0) && block.firstTimeMs !== undefined && block.firstTimeMs < this.#timeMs
    if (isTooOld && isWhole) this.#report('header-inconsistent', firstIndex)
    const pending: { readonly at: number; readonly verdict: ReturnType<RecordPass['fault']> }[] = []
    for (const inspected of block.records) {
      const { at, missing } = inspected
      if (altered.has(at)) continue
      pending.push({ at, verdict: pass.fault(inspected) })
      if (missing !== undefined && isWhole) this.#erasures.missing(missing, firstIndex + at, this.#height)
    }
    // Signatures are verified side by side, but faults are reported in the order of indexes.
    for (const { at, verdict } of pending) {
      const cause = await verdict
      if (cause !== undefined && isWhole && !(at === 0 && isTooOld)) this.#report(cause, firstIndex + at)
    }
    if (this.#damage.first === undefined) this.#signatures += pass.signatures
  }

  #reportBlock(cause: ChainFault, { key, count }: InspectedBlock): void {
    this.#report(cause, key, undefined, key + count - 1)
  }

  /** @param block height; default: that of the block at hand @param to last index that is concerned */
  #report(cause: ChainFault, index: number, block = this.#height, to = index, from = index): void {
    const finding = { cause, block, index }
    this.#found ??= finding
    this.#damage.add(finding, { from, to })
  }
}

/** Whether a header carries a signature by this key. */
function isSignedBy({ signed }: SignedHeader, key: P256PublicKey, crypto: CryptoProvider): Promise<boolean> {
  return isValid(verifySignedHeader(signed, key, crypto))
}
