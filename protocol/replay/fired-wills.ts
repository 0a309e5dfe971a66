import { bytesEqual } from '../bytes.ts'
import { CborReader, CborWriter } from '../cbor/index.ts'

/** Different wills of one key that are remembered; an older one that fires again counts as new. */
const maxWills = 1024
const digestBytes = 32

/**
 * The signed wills of one key that have fired. Their sequence numbers stand outside the window, since a will fires long
 * after it was signed, and the same will may fire again.
 */
export class FiredWills {
  /** Sequence number to SHA-256 of the Sig_structure, oldest first. */
  readonly #digests = new Map<number, Uint8Array>()
  #highest = -1
  #changes = 0

  get changes(): number {
    return this.#changes
  }

  /** Highest sequence number of one that fired; -1 when none did. */
  get highest(): number {
    return this.#highest
  }

  /** Sequence numbers of the wills that fired. */
  get seqs(): readonly number[] {
    return [...this.#digests.keys()]
  }

  /** False when another will of the key fired under the number. */
  mayFire(seq: number, contentDigest: Uint8Array): boolean {
    const known = this.#digests.get(seq)
    return known === undefined || bytesEqual(known, contentDigest)
  }

  /** Notes a will that {@link mayFire}. */
  fire(seq: number, contentDigest: Uint8Array): void {
    if (this.#digests.has(seq)) return
    // A copy: what is given is often a view of a whole block.
    this.#digests.set(seq, Uint8Array.from(contentDigest))
    this.#highest = Math.max(this.#highest, seq)
    this.#changes++
    if (this.#digests.size <= maxWills) return
    for (const oldest of this.#digests.keys()) {
      this.#digests.delete(oldest)
      break
    }
  }

  /** CBOR `[* seq, digest]`, oldest first. */
  encode(): Uint8Array {
    const writer = new CborWriter(16 + this.#digests.size * 48).array(2 * this.#digests.size)
    for (const [seq, digest] of this.#digests) writer.int(seq).bytes(digest)
    return writer.finish()
  }

  /** Exact inverse of {@link encode}. @throws {ProtocolError} ERR_CBOR_* */
  static decode(encoded: Uint8Array): FiredWills {
    const wills = new FiredWills()
    const reader = new CborReader(encoded)
    for (let left = reader.array(); left > 0; left -= 2) wills.fire(reader.uint(), reader.bytes(digestBytes))
    reader.end()
    return wills
  }
}
