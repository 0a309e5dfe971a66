import { rangesEqual } from '../bytes.ts'
import { hashBytes } from '../merkle/index.ts'
import { encodeLeaf } from '../record/index.ts'

/** Makes leaves of one time: they differ in the commitment only. */
export class LeafMaker {
  readonly timeMs: number
  /** With zeros where the commitment belongs, at the end. */
  readonly #template: Uint8Array

  constructor(timeMs: number) {
    this.timeMs = timeMs
    this.#template = encodeLeaf({ timeMs, commitment: new Uint8Array(hashBytes) })
  }

  /** Bytes of each leaf. */
  get bytes(): number {
    return this.#template.length
  }

  /** The leaves of commitments that lie side by side; side by side as well. */
  leavesOf(commitments: Uint8Array): Uint8Array {
    const { bytes } = this
    const leaves = new Uint8Array((commitments.length / hashBytes) * bytes)
    const commitmentAt = bytes - hashBytes
    for (let leaf = 0, from = 0; leaf < leaves.length; leaf += bytes) {
      leaves.set(this.#template, leaf)
      for (let to = leaf + commitmentAt; to < leaf + bytes; ) leaves[to++] = commitments[from++] as number
    }
    return leaves
  }

  /**
   * Whether the leaf that begins at `start`, and has the {@link bytes} of one, is that of a commitment.
   * @param commitmentStart where that begins in `commitments`
   */
  isLeafOf(data: Uint8Array, start: number, commitments: Uint8Array, commitmentStart: number): boolean {
    const commitmentAt = this.bytes - hashBytes
    return (
      rangesEqual(data, start, this.#template, 0, commitmentAt) &&
      rangesEqual(data, start + commitmentAt, commitments, commitmentStart, hashBytes)
    )
  }
}
