import { type Erasable, type ErasureEvent, type IndexRange, RangeSet, unionOfRanges } from '../record/index.ts'

/** What is missing, all of it in one block. */
interface Hole {
  readonly what: Erasable
  readonly block: number
  readonly first: number
  last: number
}

/**
 * What is missing from a chain, and what its erasure records announce. What is erased lies below the record that says so:
 * whether all holes are honest is known at the end.
 */
export class ErasureLedger {
  readonly #holes: Hole[] = []
  readonly #announced: Record<Erasable, IndexRange[]> = { bodies: [], records: [] }
  #bodies = 0
  #records = 0

  /** Payloads that are gone, not those of records that are. */
  get bodies(): number {
    return this.#bodies
  }

  /** Records that are gone. */
  get records(): number {
    return this.#records
  }

  /** Something is not there. Called in the order of the indexes. @param block height of its block */
  missing(what: Erasable, index: number, block: number): void {
    if (what === 'bodies') this.#bodies++
    else this.#records++
    const newest = this.#holes.at(-1)
    if (newest?.what === what && newest.block === block && newest.last === index - 1) newest.last = index
    else this.#holes.push({ what, block, first: index, last: index })
  }

  /** An erasure that a record of the chain announces. */
  announced({ what, ranges }: ErasureEvent): void {
    for (const range of ranges) this.#announced[what].push(range)
  }

  /** Whether the record at an index below those looked at is gone. */
  isMissing(index: number): boolean {
    let [low, high] = [0, this.#holes.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#holes[middle] as Hole).last < index) low = middle + 1
      else high = middle
    }
    const hole = this.#holes[low]
    return hole !== undefined && hole.what === 'records' && hole.first <= index
  }

  /** Everything that is gone though no erasure record says so, in the order of the indexes. */
  *unannounced(): Iterable<{ readonly index: number; readonly block: number }> {
    const records = unionOfRanges(this.#announced.records)
    const covered = {
      records: new RangeSet(records),
      bodies: new RangeSet(unionOfRanges([...records, ...this.#announced.bodies])),
    }
    for (const { what, block, first, last } of this.#holes) {
      for (let index = covered[what].firstOutside(first, last); index !== undefined; ) {
        yield { index, block }
        index = index === last ? undefined : covered[what].firstOutside(index + 1, last)
      }
    }
  }
}
