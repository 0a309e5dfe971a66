import type { Edge } from '../edge/edge.ts'

/** Publishes of one client that may wait for their signature and commit before no more are read from it. */
const maxBytes = 4 * 1024 * 1024
const maxBytesOfAll = 64 * 1024 * 1024
/** What a publish costs beside its bytes. */
const overheadBytes = 512
/** Signatures of one client that may wait: enough for all threads to be busy with them while it is read again. */
const maxVerifications = 256

/** Slows a publisher at its socket while more of it is on the way than there should be. */
export class InboundLimit {
  readonly #edge: Edge
  readonly #pendingBytesOfAll: () => number
  #bytes = 0
  #verifications = 0
  #isHeld = false

  constructor(edge: Edge, pendingBytesOfAll: () => number) {
    this.#edge = edge
    this.#pendingBytesOfAll = pendingBytesOfAll
  }

  /** Publishes are on the way, or the PUBRELs that end them. */
  get isWaiting(): boolean {
    return this.#bytes > 0
  }

  enter(bytes: number): void {
    this.#bytes += bytes + overheadBytes
    if (this.#bytes >= maxBytes || this.#pendingBytesOfAll() >= maxBytesOfAll) this.#hold()
  }

  leave(bytes: number): void {
    this.#bytes -= bytes + overheadBytes
    this.#release()
  }

  /** A publish that has entered waits for the verdict on its signature. */
  enterVerification(): void {
    this.#verifications++
    if (this.#verifications >= maxVerifications) this.#hold()
  }

  leaveVerification(): void {
    this.#verifications--
    this.#release()
  }

  #hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    this.#edge.hold()
  }

  /** Every one that is held has something on the way, so it comes by here. */
  #release(): void {
    if (!this.#isHeld || this.#bytes > maxBytes / 2 || this.#verifications > maxVerifications / 2) return
    this.#isHeld = false
    this.#edge.release()
  }
}
