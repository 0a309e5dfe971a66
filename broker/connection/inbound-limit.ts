import type { Edge } from '../edge/edge.ts'

/** Publishes of one client that may wait for their signature and commit before no more are read from it. */
const maxBytes = 4 * 1024 * 1024
const maxBytesOfAll = 64 * 1024 * 1024
/** What a publish costs beside its bytes. */
const overheadBytes = 512

/** Slows a publisher at its socket while more of it is on the way than there should be. */
export class InboundLimit {
  readonly #edge: Edge
  readonly #pendingBytesOfAll: () => number
  #bytes = 0
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
    if (this.#isHeld || (this.#bytes < maxBytes && this.#pendingBytesOfAll() < maxBytesOfAll)) return
    this.#isHeld = true
    this.#edge.hold()
  }

  leave(bytes: number): void {
    this.#bytes -= bytes + overheadBytes
    // Every one that is held has something on the way, so it comes by here.
    if (!this.#isHeld || this.#bytes > maxBytes / 2) return
    this.#isHeld = false
    this.#edge.release()
  }
}
