import {
  type Block,
  bytesEqual,
  type CryptoProvider,
  type Damage,
  type DamageCause,
  decodeBlock,
  type Erasable,
  type Frontier,
  frontierFromTiles,
  hashesAtLevel,
  leafHash,
  type P256PublicKey,
  type TileId,
  type TileSource,
  tilesOf,
  tileWidth,
  verifySignedHeader,
} from '../../protocol/index.ts'
import { type StoredBlock, type StoreOperation, type TileTable, TileWriter } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { causeOf, checkEntry } from './check-entry.ts'

export interface WalkOptions {
  readonly tiles: TileTable
  /** Reads tiles that are known to belong to the tree. */
  readonly readTile: TileSource
  /** The broker key in force when the block that begins at this index was signed. */
  readonly brokerAt: (firstIndex: number) => P256PublicKey
  /** Whether an erasure record announces that something of the block that begins at `firstIndex` is gone. */
  readonly isErased: (firstIndex: number, index: number, what: Erasable) => Promise<boolean>
  readonly crypto: CryptoProvider
  /** Told of what was done, in records; a header and a large body count as several. Waited for. */
  readonly spend: (units: number) => Promise<void>
}

/** What was found, and what puts it right. */
export interface Finding extends Damage {
  readonly repair?: StoreOperation
}

/** The tree up to the place of the walk, as the blocks make it. */
interface GrowingTree {
  readonly frontier: Frontier
  readonly writer: TileWriter
}

/** A tile that the blocks have completed. */
interface CompletedTile {
  readonly tile: TileId
  readonly hashes: Uint8Array
  readonly put: StoreOperation
}

/** Records that the signature of a header counts as: what it costs beside one. */
const headerUnits = 4
/** Leaves that the tree grows by at once. */
const leavesAtOnce = 32

/**
 * Goes along the blocks and checks each against its signature, the block before it, the tree, and the tiles that the
 * leaves lead to. After damage it goes on with the tree that the tiles have at the next block.
 */
export class ScrubWalk {
  readonly #options: WalkOptions
  /** Index at which the next block begins. */
  #next: number
  /** Of the block before; undefined when it is not known. */
  #previousHash: Uint8Array | undefined
  /** Undefined when the leaves before are not known. */
  #tree: GrowingTree | undefined
  /** By the block that is being checked. */
  #completed: CompletedTile[] = []

  /** @param next at which to begin: the first index of a block */
  constructor(options: WalkOptions, next: number) {
    this.#options = options
    this.#next = next
  }

  get next(): number {
    return this.#next
  }

  /** Goes on behind blocks that cannot be checked. @returns what is wrong with them, and with tiles that they lead to */
  async skip(until: number, cause: DamageCause): Promise<readonly Finding[]> {
    this.#previousHash = undefined
    this.#tree = undefined
    const damage = { firstIndex: this.#next, lastIndex: until - 1, cause }
    return [damage, ...(await this.#leaveTo(until))]
  }

  /**
   * Checks the next block.
   * @param until tells the index at which the block behind it begins; asked when the block itself cannot be believed
   */
  async check({ firstIndex, encoded }: StoredBlock, until: () => Promise<number>): Promise<readonly Finding[]> {
    const block = await this.#blockOf(firstIndex, encoded)
    await this.#options.spend(headerUnits)
    if (typeof block === 'string') return this.skip(await until(), block)
    this.#previousHash = this.#options.crypto.sha256(block.encodedHeader)
    this.#tree ??= await this.#treeFromTiles()
    const damage = await this.#checkEntries(block)
    return [...(damage === undefined ? [] : [damage]), ...(await this.#leaveTo(block.header.treeSize))]
  }

  /** The block, when its header is right; else what is wrong. */
  async #blockOf(key: number, encoded: Uint8Array): Promise<Block | DamageCause> {
    const { brokerAt, crypto } = this.#options
    let block: Block
    try {
      block = decodeBlock(encoded)
    } catch (error) {
      return causeOf(error, 'malformed-block')
    }
    const { header, signed, entries } = block
    if (header.firstIndex !== key) return 'misplaced-block'
    if (header.count !== entries.length || header.treeSize !== key + header.count) return 'header-inconsistent'
    try {
      await verifySignedHeader(signed, brokerAt(key), crypto)
    } catch (error) {
      return causeOf(error, 'header-signature-invalid')
    }
    const follows = this.#previousHash === undefined || bytesEqual(header.previousHash, this.#previousHash)
    return follows ? block : 'previous-hash-mismatch'
  }

  /** Checks what a block holds, and adds its leaves to the tree. @returns what is wrong with it, from first to last */
  async #checkEntries({ header, entries }: Block): Promise<Damage | undefined> {
    const { crypto, isErased, spend } = this.#options
    let damage: Damage | undefined
    let leafHashes: Uint8Array[] = []
    for (const [i, entry] of entries.entries()) {
      const index = header.firstIndex + i
      const cause = await checkEntry(entry, (what) => isErased(header.firstIndex, index, what), spend)
      if (cause !== undefined) damage = { cause, firstIndex: index, ...damage, lastIndex: index }
      leafHashes.push(leafHash(entry.leaf, crypto))
      if (leafHashes.length < leavesAtOnce && i + 1 < entries.length) continue
      this.#grow(leafHashes)
      await spend(leafHashes.length)
      leafHashes = []
    }
    if (this.#tree === undefined || bytesEqual(this.#tree.frontier.root(), header.rootHash)) return damage
    this.#tree = undefined
    // A record that does not fit its leaf where the leaves do not fit the root: it is the leaf that is another one.
    if (damage !== undefined) return damage.cause === 'record-mismatch' ? { ...damage, cause: 'leaf-mismatch' } : damage
    return { firstIndex: header.firstIndex, lastIndex: header.treeSize - 1, cause: 'root-mismatch' }
  }

  #grow(leafHashes: readonly Uint8Array[]): void {
    if (this.#tree === undefined) return
    const { frontier, writer } = this.#tree
    const firstIndex = frontier.size
    writer.append(firstIndex, frontier.grow(leafHashes))
  }

  /** Goes on at an index. @returns what is wrong with the tiles that are full there and were not before */
  async #leaveTo(next: number): Promise<readonly Finding[]> {
    const completed = this.#completed.splice(0)
    const findings = this.#tree === undefined ? this.#checkUnknownTiles(next) : this.#checkTiles(completed)
    const found = await findings
    this.#next = next
    return found
  }

  /** Compares tiles with what the blocks say. */
  async #checkTiles(completed: readonly CompletedTile[]): Promise<readonly Finding[]> {
    const findings: Finding[] = []
    for (const { tile, hashes, put } of completed) {
      const stored = await this.#options.tiles.get(tile)
      if (stored !== undefined && bytesEqual(stored, hashes)) continue
      findings.push({ ...damageOf(tile, true), repair: put })
    }
    return findings
  }

  /** Where the blocks do not tell, the hashes further up do. */
  async #checkUnknownTiles(next: number): Promise<readonly Finding[]> {
    const findings: Finding[] = []
    for (const tile of tilesOf(next, this.#next)) {
      if (tile.width < tileWidth) continue
      const isRight = await ifUndamaged(this.#options.readTile(tile))
      if (isRight === undefined) findings.push(damageOf(tile, false))
    }
    return findings
  }

  /** The tree up to here, when its tiles are not damaged. */
  async #treeFromTiles(): Promise<GrowingTree | undefined> {
    const { crypto, readTile, tiles } = this.#options
    const size = this.#next
    const put = (tile: TileId, hashes: Uint8Array) => {
      const operation = tiles.put(tile, hashes)
      this.#completed.push({ tile, hashes, put: operation })
      return operation
    }
    return ifUndamaged(
      (async () => {
        const frontier = await frontierFromTiles(size, readTile, crypto)
        return { frontier, writer: new TileWriter({ put }, size, await edgeFromTiles(size, readTile)) }
      })(),
    )
  }
}

/** By level, the hashes of the tile that a tree of this size has not filled. */
async function edgeFromTiles(size: number, readTile: TileSource): Promise<Uint8Array[]> {
  const edge: Uint8Array[] = []
  for (let level = 0; hashesAtLevel(size, level) > 0; level++) {
    const width = hashesAtLevel(size, level) % tileWidth
    const index = Math.floor(hashesAtLevel(size, level) / tileWidth)
    const tile = width === 0 ? undefined : await readTile({ level, index, width })
    const hashes = Array.from({ length: width }, (_, i) => tile?.subtree({ height: 0, index: i }) as Uint8Array)
    edge.push(Buffer.concat(hashes))
  }
  return edge
}

/** What the reading of tiles leads to; undefined: one of them is damaged. */
async function ifUndamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof PluginError && error.code === 'ERR_CHAIN_DAMAGED') return undefined
    throw error
  }
}

function damageOf({ level, index }: TileId, isRepaired: boolean): Damage {
  const leaves = tileWidth ** (level + 1)
  const firstIndex = index * leaves
  return { firstIndex, lastIndex: firstIndex + leaves - 1, cause: 'tile-mismatch', tile: { level, index, isRepaired } }
}
