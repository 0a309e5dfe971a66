import { rangesEqual } from '../bytes.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { hashBytes, leafPrefix } from '../merkle/index.ts'
import { saltBytes } from '../record/index.ts'
import type { BlockScan, Places } from './block.ts'

/** Every hash that the entries of one block are held against, all made before the first of them is looked at. */
export class BlockDigests {
  /** Hashes of the leaves as they are there, side by side. */
  readonly leafHashes: Uint8Array
  /** SHA-256 of salt and record of each entry that has them, side by side. */
  readonly commitments: Uint8Array
  readonly #bodies: Uint8Array

  constructor(block: BlockScan, crypto: CryptoProvider) {
    // A copy, in which what belongs before a part is put there, over the head of the part.
    const data = scratchCopy(block.encoded)
    this.leafHashes = crypto.sha256Each(data, ...placesOf(block.leaves, (start) => beforeLeaf(data, start), 1))
    const { salts } = block
    const beforeRecord = (start: number, at: number) => moveSalt(data, salts.starts[at] as number, start)
    this.commitments = crypto.sha256Each(data, ...placesOf(block.records, beforeRecord, saltBytes))
    this.#bodies = crypto.sha256Each(data, ...placesOf(block.bodies, (start) => start, 0))
  }

  /** SHA-256 of salt and record of an entry that has them. @param at place in the block */
  commitment(at: number): Uint8Array {
    return this.commitments.subarray(at * hashBytes, (at + 1) * hashBytes)
  }

  /** Whether the body of an entry that has one has the SHA-256 that begins at `offset`. @param at place in the block */
  isBodyOf(at: number, data: Uint8Array, offset: number): boolean {
    return rangesEqual(this.#bodies, at * hashBytes, data, offset, hashBytes)
  }
}

/** Blocks up to this size share one place: fresh memory for each costs more than the copy. */
const maxScratchBytes = 1024 * 1024
let scratch = new Uint8Array(0)

/** A copy, valid until the next one. */
function scratchCopy(encoded: Uint8Array): Uint8Array {
  if (encoded.length > maxScratchBytes) return new Uint8Array(encoded)
  if (scratch.length < encoded.length) scratch = new Uint8Array(Math.min(2 * encoded.length, maxScratchBytes))
  scratch.set(encoded)
  return scratch
}

/**
 * Starts and lengths of messages, with what is put before each of them.
 * @param before puts it there, and says where the message begins then
 */
function placesOf(
  { starts, lengths }: Places,
  before: (start: number, at: number) => number,
  moreBytes: number,
): [starts: Uint32Array, lengths: Uint32Array] {
  const [allStarts, allLengths] = [new Uint32Array(starts.length), new Uint32Array(starts.length)]
  let last = 0
  for (let at = 0; at < starts.length; at++) {
    const start = starts[at] as number
    // Nothing in the place of what is gone, so that every entry has its place; in the order of the others.
    if (start > 0) {
      last = before(start, at)
      allLengths[at] = (lengths[at] as number) + moreBytes
    }
    allStarts[at] = last
  }
  return [allStarts, allLengths]
}

function beforeLeaf(data: Uint8Array, start: number): number {
  data.set(leafPrefix, start - leafPrefix.length)
  return start - leafPrefix.length
}

/** From before the head of the record to before the record; backwards, since the two places overlap. */
function moveSalt(data: Uint8Array, saltStart: number, recordStart: number): number {
  const to = recordStart - saltBytes
  for (let i = saltBytes - 1; i >= 0; i--) data[to + i] = data[saltStart + i] as number
  return to
}
