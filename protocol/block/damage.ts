import type { ChainFinding } from './faults.ts'

/** How far what is wrong goes. */
export interface DamageExtent {
  /** First and last index that cannot be vouched for, and their blocks. Some between them may be whole. */
  readonly fromIndex: number
  readonly toIndex: number
  readonly fromBlock: number
  readonly toBlock: number
}

/** Indexes that one finding is about, both included; none when `to` is below `from`. */
interface IndexRange {
  readonly from: number
  readonly to: number
}

/** Counts what cannot be vouched for. Findings come in the order of the chain. */
export class DamageLog {
  #first: ChainFinding | undefined
  #extent: DamageExtent | undefined
  #bad = 0
  /** Indexes below were counted, or need not be. */
  #countedUpTo = 0

  /** The first thing found wrong. */
  get first(): ChainFinding | undefined {
    return this.#first
  }

  /** Undefined while no block is damaged. */
  get extent(): DamageExtent | undefined {
    return this.#extent
  }

  /** Records that cannot be vouched for. */
  get bad(): number {
    return this.#bad
  }

  /** Takes what is wrong with a place of the chain. */
  add(finding: ChainFinding, { from, to }: IndexRange): void {
    this.#first ??= finding
    if (to < from) return
    this.#extend(finding.block, from, to)
    this.#bad += Math.max(0, to + 1 - Math.max(from, this.#countedUpTo))
    this.#countedUpTo = Math.max(this.#countedUpTo, to + 1)
  }

  /** Takes one record that only the end of the chain tells is damaged; it was not counted before. */
  addLate(finding: ChainFinding): void {
    if (this.#first === undefined || finding.index < this.#first.index) this.#first = finding
    this.#extend(finding.block, finding.index, finding.index)
    this.#bad++
  }

  /** Takes what is wrong with something beside the chain. */
  addBeside(finding: ChainFinding): void {
    this.#first ??= finding
  }

  /** Nothing of a chain of this size can be vouched for. */
  addAll(finding: ChainFinding, treeSize: number, blocks: number): void {
    this.#first ??= finding
    this.#extent = { fromIndex: 0, toIndex: treeSize - 1, fromBlock: 0, toBlock: blocks - 1 }
    this.#bad = treeSize
  }

  #extend(block: number, from: number, to: number): void {
    const { fromIndex, toIndex, fromBlock, toBlock } = this.#extent ?? {
      fromIndex: from,
      toIndex: to,
      fromBlock: block,
      toBlock: block,
    }
    this.#extent = {
      fromIndex: Math.min(fromIndex, from),
      toIndex: Math.max(toIndex, to),
      fromBlock: Math.min(fromBlock, block),
      toBlock: Math.max(toBlock, block),
    }
  }
}
