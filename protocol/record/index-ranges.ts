/** Indexes of records from the first to the last one, both included. */
export type IndexRange = readonly [first: number, last: number]

/** Collects indexes that come in ascending order into as few ranges as there can be. */
export class RangeList {
  readonly #ranges: [first: number, last: number][] = []

  get ranges(): readonly IndexRange[] {
    return this.#ranges
  }

  add(index: number): void {
    const newest = this.#ranges.at(-1)
    if (newest?.[1] === index - 1) newest[1] = index
    else this.#ranges.push([index, index])
  }
}

/** Ranges in ascending order, those that touch or overlap made one. */
export function unionOfRanges(ranges: readonly IndexRange[]): readonly IndexRange[] {
  const union: [first: number, last: number][] = []
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const newest = union.at(-1)
    if (newest !== undefined && first <= newest[1] + 1) newest[1] = Math.max(newest[1], last)
    else union.push([first, last])
  }
  return union
}

/** Answers whether indexes lie in some ranges, which are given in ascending order and apart. */
export class RangeSet {
  readonly #ranges: readonly IndexRange[]

  constructor(ranges: readonly IndexRange[]) {
    this.#ranges = ranges
  }

  has(index: number): boolean {
    return this.firstOutside(index, index) === undefined
  }

  /** The first index from `first` to `last` that lies in none of the ranges; undefined when all do. */
  firstOutside(first: number, last: number): number | undefined {
    const range = this.#endingFrom(first)
    if (range === undefined || range[0] > first) return first
    // The ranges are apart: right behind one there is never another.
    return range[1] >= last ? undefined : range[1] + 1
  }

  /** The first index from `index` on that lies in one of the ranges; undefined when none does. */
  nextFrom(index: number): number | undefined {
    const range = this.#endingFrom(index)
    return range && Math.max(range[0], index)
  }

  /** The first range that ends at `index` or above. */
  #endingFrom(index: number): IndexRange | undefined {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle] as IndexRange)[1] < index) low = middle + 1
      else high = middle
    }
    return this.#ranges[low]
  }
}
