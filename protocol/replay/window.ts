import { CborReader, CborWriter } from '../cbor/index.ts'
import { ProtocolError } from '../errors.ts'
import { largestWindow } from '../record/index.ts'

/** Sequence numbers below the highest accepted one that a key may still use, unless configured otherwise. */
export const defaultWindowSize = 1024

/** What is remembered of an accepted publish under its sequence number. */
export interface AcceptedSeq {
  readonly index: number
  /** SHA-256 of the Sig_structure. */
  readonly contentDigest: Uint8Array
  readonly qos: number
  readonly retain: boolean
}

/** Slots that a window begins with; it grows with the numbers that are in use at a time. */
const firstSlots = 8
const digestBytes = 32
/** One byte of flags, then the digest. */
const slotBytes = 1 + digestBytes
const packedBytes = 16 + slotBytes
const flag = { qos: 3, retain: 4, reuseReported: 8 } as const
/** No record of a publish stands at index 0, which is the genesis: an index of 0 marks a slot that was never used. */
const unused = 0

/**
 * The replay window of one key: sequence numbers may arrive out of order within `size` of the highest one and are
 * accepted once each. Rebuilt from the chain, so it needs no store of its own.
 *
 * A ring of slots, the one of a number being the number modulo their count: 49 bytes for each, in two arrays without
 * objects (a full window of 1024 takes 50 kB, one of 65,536 takes 3.2 MB). A slot tells whose it is, so what falls out of the window needs no clearing.
 */
export class ReplayWindow {
  #size: number
  #highest = -1
  /** Numbers below were accepted by nobody knows whom: what a larger window cannot bring back. */
  #floor = 0
  /** Lowest number that may be in the ring. */
  #lowest = 0
  #slots = 0
  /** Two for each slot: sequence number, index. */
  #numbers = new Float64Array(0)
  #bytes = new Uint8Array(0)
  #changes = 0

  constructor(size = defaultWindowSize) {
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  /** Highest accepted sequence number; -1 when none was. */
  get highest(): number {
    return this.#highest
  }

  /** The lowest number that is not too old. */
  get floor(): number {
    return Math.max(this.#floor, this.#highest - this.#size + 1)
  }

  /** Counts everything that changed it: tells whether a copy of it is still true. */
  get changes(): number {
    return this.#changes
  }

  /** True when the number lies below the window: nothing is known about it any more. */
  isTooOld(seq: number): boolean {
    return seq < this.#floor || seq <= this.#highest - this.#size
  }

  find(seq: number): AcceptedSeq | undefined {
    const slot = this.#find(seq)
    if (slot === undefined) return undefined
    const flags = this.#bytes[slot * slotBytes] as number
    return {
      index: this.#numbers[2 * slot + 1] as number,
      contentDigest: this.#bytes.slice(slot * slotBytes + 1, (slot + 1) * slotBytes),
      qos: flags & flag.qos,
      retain: (flags & flag.retain) !== 0,
    }
  }

  /** Takes a number that is not too old. @param accepted what it was used for; its digest is copied */
  accept(seq: number, accepted: AcceptedSeq): void {
    this.#makeRoom(seq)
    const flags = accepted.qos | (accepted.retain ? flag.retain : 0)
    this.#put(seq, accepted.index, flags, accepted.contentDigest)
    this.#changes++
  }

  /** Notes that a `seq-reuse` record exists for the number. @returns false when one did already, or nothing is known */
  reportReuse(seq: number): boolean {
    const slot = this.#find(seq)
    if (slot === undefined || this.isReuseReported(seq)) return false
    const at = slot * slotBytes
    this.#bytes[at] = (this.#bytes[at] as number) | flag.reuseReported
    this.#changes++
    return true
  }

  isReuseReported(seq: number): boolean {
    const slot = this.#find(seq)
    return slot !== undefined && ((this.#bytes[slot * slotBytes] as number) & flag.reuseReported) !== 0
  }

  /**
   * All numbers up to this one are too old from now on: they were used in a log that this one continues, or nobody can tell
   * any more which of them were.
   */
  giveUpTo(seq: number): void {
    if (seq < this.floor) return
    this.#floor = seq + 1
    this.#highest = Math.max(this.#highest, seq)
    this.#changes++
  }

  /** Gives it another size. What lay below the window stays too old: a larger one knows nothing about it either. */
  resize(size: number): void {
    if (size === this.#size) return
    this.#floor = this.floor
    this.#size = size
    this.#changes++
  }

  /**
   * Everything that counts, to go on from later: CBOR `[size, floor, highest, slots]`, with 49 bytes for each number in
   * use: number and index as 8 bytes big-endian, flags, digest.
   */
  encode(): Uint8Array {
    const used: number[] = []
    for (let slot = 0; slot < this.#slots; slot++) {
      if (this.#find(this.#numbers[2 * slot] as number) === slot) used.push(slot)
    }
    used.sort((a, b) => (this.#numbers[2 * a] as number) - (this.#numbers[2 * b] as number))
    const packed = new Uint8Array(used.length * packedBytes)
    const view = new DataView(packed.buffer)
    for (const [i, slot] of used.entries()) {
      view.setBigUint64(i * packedBytes, BigInt(this.#numbers[2 * slot] as number))
      view.setBigUint64(i * packedBytes + 8, BigInt(this.#numbers[2 * slot + 1] as number))
      packed.set(this.#bytes.subarray(slot * slotBytes, (slot + 1) * slotBytes), i * packedBytes + 16)
    }
    return (
      new CborWriter(packed.length + 48)
        .array(4)
        .int(this.#size)
        // One more is no integer of the format; the registry knows what was used before and raises it again.
        .int(Math.min(this.floor, Number.MAX_SAFE_INTEGER))
        .int(this.#highest)
        .bytes(packed)
        .finish()
    )
  }

  /** Exact inverse of {@link encode}. @throws {ProtocolError} ERR_CBOR_*, ERR_BLOCK_MALFORMED */
  static decode(encoded: Uint8Array): ReplayWindow {
    const reader = new CborReader(encoded)
    reader.array(4)
    const window = new ReplayWindow(reader.uint())
    window.#floor = reader.uint()
    const highest = reader.int()
    const packed = reader.bytes()
    reader.end()
    const isSound = window.#size <= largestWindow && highest >= -1 && packed.length <= window.#size * packedBytes
    if (!isSound || packed.length % packedBytes !== 0) throw malformed()
    window.#highest = highest
    const view = new DataView(packed.buffer, packed.byteOffset, packed.length)
    for (let at = 0; at < packed.length; at += packedBytes) {
      const seq = Number(view.getBigUint64(at))
      const index = Number(view.getBigUint64(at + 8))
      if (seq > highest || window.isTooOld(seq) || index === unused || !Number.isSafeInteger(index)) throw malformed()
      if (at === 0) window.#lowest = seq
      window.#makeRoom(seq)
      window.#put(seq, index, packed[at + 16] as number, packed.subarray(at + 17, at + packedBytes))
    }
    return window
  }

  #find(seq: number): number | undefined {
    if (this.#slots === 0 || this.isTooOld(seq)) return undefined
    const slot = seq % this.#slots
    const isThere = this.#numbers[2 * slot] === seq && this.#numbers[2 * slot + 1] !== unused
    return isThere ? slot : undefined
  }

  #put(seq: number, index: number, flags: number, digest: Uint8Array): void {
    const slot = seq % this.#slots
    this.#numbers[2 * slot] = seq
    this.#numbers[2 * slot + 1] = index
    this.#bytes[slot * slotBytes] = flags
    this.#bytes.set(digest, slot * slotBytes + 1)
  }

  /** Moves the window up to a number, and grows the ring until all numbers in use have a slot of their own. */
  #makeRoom(seq: number): void {
    if (seq > this.#highest) {
      // After a jump beyond the window nothing of what was in it counts any more.
      if (this.#highest < 0 || seq - this.#size >= this.#highest) this.#lowest = seq
      this.#highest = seq
    }
    this.#lowest = Math.max(Math.min(this.#lowest, seq), this.floor)
    const span = this.#highest - this.#lowest + 1
    if (span > this.#slots) this.#grow(span)
  }

  #grow(span: number): void {
    const [numbers, bytes, before] = [this.#numbers, this.#bytes, this.#slots]
    let slots = Math.max(before, firstSlots)
    while (slots < span) slots *= 2
    // Never more than the window has numbers, whatever its size.
    this.#slots = Math.max(Math.min(slots, this.#size), span)
    this.#numbers = new Float64Array(2 * this.#slots)
    this.#bytes = new Uint8Array(slotBytes * this.#slots)
    for (let old = 0; old < before; old++) {
      const seq = numbers[2 * old] as number
      if (numbers[2 * old + 1] === unused || this.isTooOld(seq)) continue
      const slot = seq % this.#slots
      this.#numbers.set(numbers.subarray(2 * old, 2 * old + 2), 2 * slot)
      this.#bytes.set(bytes.subarray(old * slotBytes, (old + 1) * slotBytes), slot * slotBytes)
    }
  }
}

function malformed(): ProtocolError {
  return new ProtocolError('ERR_BLOCK_MALFORMED', 'not a replay window')
}
