import type { EdgeTransport } from '../../../broker/edge/edge-handler.ts'

type Handler = () => void

/** A connection whose other side is the test: keeps what it is given as it is given, and takes bytes when it is told to. */
export class FakeTransport implements EdgeTransport {
  /** Every write, as a view of the buffer that was handed over: who writes into that again changes these. */
  readonly writes: Buffer[] = []
  /** Copies of {@link writes}, made when they came. */
  readonly copies: Buffer[] = []
  /** Everything that was asked of it, in order: `write 4`, `pause`, `resume`, `end`. Repetitions count once. */
  readonly log: string[] = []
  isPaused = false
  isEnded = false
  /** What is written stays here until {@link drain}. */
  isFrozen = false
  bufferedBytes = 0
  #taken = 0
  readonly #onData: ((chunk: Buffer) => void)[] = []
  readonly #onEnd: Handler[] = []
  readonly #onClose: Handler[] = []
  readonly #onDrain: Handler[] = []

  onData(handler: (chunk: Buffer) => void): void {
    this.#onData.push(handler)
  }

  onEnd(handler: Handler): void {
    this.#onEnd.push(handler)
  }

  onClose(handler: Handler): void {
    this.#onClose.push(handler)
  }

  onDrain(handler: Handler): void {
    this.#onDrain.push(handler)
  }

  write(bytes: Buffer): boolean {
    this.#note(`write ${bytes.length}`, true)
    this.writes.push(bytes)
    this.copies.push(Buffer.from(bytes))
    if (this.isFrozen) this.bufferedBytes += bytes.length
    return !this.isFrozen
  }

  pause(): void {
    this.isPaused = true
    this.#note('pause')
  }

  resume(): void {
    this.isPaused = false
    this.#note('resume')
  }

  end(): void {
    this.isEnded = true
    this.#note('end', true)
  }

  /** The peer sends this in one chunk. */
  receive(...parts: readonly Uint8Array[]): void {
    const chunk = Buffer.concat(parts)
    for (const handler of this.#onData) handler(chunk)
  }

  /** The peer ends its side; the close follows, as it does with every transport. */
  endByPeer(): void {
    for (const handler of this.#onEnd) handler()
  }

  close(): void {
    for (const handler of this.#onClose) handler()
  }

  /** The system takes what was buffered. */
  drain(): void {
    this.isFrozen = false
    this.bufferedBytes = 0
    for (const handler of this.#onDrain) handler()
  }

  /** What was written since this was asked last. */
  takeWritten(): Buffer {
    const written = Buffer.concat(this.writes.slice(this.#taken))
    this.#taken = this.writes.length
    return written
  }

  #note(what: string, isCounted = false): void {
    if (isCounted || this.log.at(-1) !== what) this.log.push(what)
  }
}
