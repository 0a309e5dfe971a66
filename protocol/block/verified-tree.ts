import { bytesEqual } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { Frontier, hashBytes, type TreeGrowth } from '../merkle/index.ts'
import type { InspectedBlock } from './inspect.ts'

/** A block whose leaves lead to the signed root. */
export interface VouchedStep {
  readonly growth: TreeGrowth
  /** The leaves before it are the stored ones. False: the right edge came from elsewhere. */
  readonly isContinued: boolean
  /** Only with leaves made again from records, where the stored ones are others. */
  readonly isMended: boolean
}

/** The tree as far as signed roots vouch for it. Finds its way back behind a gap, where the root says it is right. */
export class VerifiedTree {
  readonly #frontierAt: ((treeSize: number) => Promise<Frontier | undefined>) | undefined
  /** Undefined behind a gap. */
  #frontier: Frontier | undefined
  #size = 0

  constructor(crypto: CryptoProvider, frontierAt?: (treeSize: number) => Promise<Frontier | undefined>) {
    this.#frontierAt = frontierAt
    this.#frontier = new Frontier(crypto)
  }

  /** Index of the next leaf. */
  get size(): number {
    return this.#size
  }

  /** Leaves up to here are missing. */
  skipTo(size: number): undefined {
    this.#size = size
    this.#frontier = undefined
    return undefined
  }

  /** Appends the leaves of a block without a root to hold them against. */
  carry(block: InspectedBlock): void {
    this.#size += block.count
    if (this.#frontier !== undefined) grow(this.#frontier, block)
  }

  /**
   * Appends the leaves of the block that begins at {@link size}.
   * @returns undefined when they do not lead to the root, from whatever is known of the tree before
   */
  async add(block: InspectedBlock, rootHash: Uint8Array): Promise<VouchedStep | undefined> {
    const { uncommitted } = block
    const firstIndex = this.#size
    const known = this.#frontier
    this.#size += block.count
    const attempts = [
      () => this.#try(known?.clone(), block, rootHash, { isContinued: true, isMended: false }),
      () => this.#tryMended(known?.clone(), block, rootHash, true),
    ]
    for (const attempt of uncommitted.length === 0 ? attempts.slice(0, 1) : attempts) {
      const step = attempt()
      if (step !== undefined) return step
    }
    const other = await this.#frontierAt?.(firstIndex)
    const step =
      this.#try(other?.clone(), block, rootHash, { isContinued: false, isMended: false }) ??
      (uncommitted.length === 0 ? undefined : this.#tryMended(other, block, rootHash, false))
    if (step === undefined && known !== undefined) grow(known, block)
    return step
  }

  #try(
    frontier: Frontier | undefined,
    block: InspectedBlock,
    rootHash: Uint8Array,
    how: Omit<VouchedStep, 'growth'>,
  ): VouchedStep | undefined {
    if (frontier === undefined) return undefined
    const growth = grow(frontier, block)
    if (!bytesEqual(frontier.root(), rootHash)) return undefined
    this.#frontier = frontier
    return { growth, ...how }
  }

  #tryMended(
    frontier: Frontier | undefined,
    { leafHashes, uncommitted }: InspectedBlock,
    rootHash: Uint8Array,
    isContinued: boolean,
  ): VouchedStep | undefined {
    if (frontier === undefined) return undefined
    const mended = leafHashes.slice()
    for (const { at, leafHash } of uncommitted) {
      if (leafHash === undefined) return undefined
      mended.set(leafHash, at * hashBytes)
    }
    const growth = frontier.grow(split(mended))
    if (!bytesEqual(frontier.root(), rootHash)) return undefined
    this.#frontier = frontier
    return { growth, isContinued, isMended: true }
  }
}

function grow(frontier: Frontier, { leafHashes, subtrees }: InspectedBlock): TreeGrowth {
  const tileRoots = subtrees.flatMap(({ height, root }) => frontier.appendSubtree(height, root))
  let leaves: readonly Uint8Array[] | undefined
  return {
    // Made when somebody asks: only tiles are made of them.
    get leafHashes() {
      leaves ??= split(leafHashes)
      return leaves
    },
    tileRoots,
  }
}

/** Views of hashes that lie side by side. */
function split(hashes: Uint8Array): Uint8Array[] {
  return Array.from({ length: hashes.length / hashBytes }, (_, i) =>
    hashes.subarray(i * hashBytes, (i + 1) * hashBytes),
  )
}
