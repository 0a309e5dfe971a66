/** Length of the mark at the start of every payload: run, publisher and sequence number, 32 bits each. */
export const markBytes = 12

export function writeMark(payload: Buffer, runId: number, publisher: number, sequence: number): void {
  payload.writeUInt32BE(publisher, 0)
  payload.writeUInt32BE(sequence, 4)
  payload.writeUInt32BE(runId, 8)
}

export interface DeliveryCounts {
  /** Different messages that arrived. */
  delivered: number
  lost: number
  duplicated: number
  outOfOrder: number
  /** Of another run, of another size, or with numbers never sent. */
  unexpected: number
}

export interface DeliveryCheckOptions {
  runId: number
  /** Numbers of the publishers whose messages are due: from `firstPublisher` (0 unless given). */
  publishers: number
  firstPublisher?: number
  messagesPerPublisher: number
  /** Size of the application message as sent; a delivery of another size is not ours. */
  messageBytes: number
  /** Where the marked payload starts in it: 0, or its place inside the envelope. */
  payloadOffset: number
}

/** The subscriber's book: every sequence of every publisher exactly once and in order. */
export class DeliveryCheck {
  readonly #options: DeliveryCheckOptions
  readonly #seen: Uint8Array
  readonly #next: Uint32Array
  #delivered = 0
  #duplicated = 0
  #outOfOrder = 0
  #unexpected = 0

  constructor(options: DeliveryCheckOptions) {
    this.#options = options
    this.#seen = new Uint8Array(options.publishers * options.messagesPerPublisher)
    this.#next = new Uint32Array(options.publishers)
  }

  /** Enters the application message `buffer[start, end)`. */
  enter(buffer: Buffer, start: number, end: number): void {
    const { runId, publishers, firstPublisher, messagesPerPublisher, messageBytes, payloadOffset } = this.#options
    if (end - start !== messageBytes) {
      this.#unexpected++
      return
    }
    const at = start + payloadOffset
    const publisher = buffer.readUInt32BE(at) - (firstPublisher ?? 0)
    const sequence = buffer.readUInt32BE(at + 4)
    const isKnown = publisher >= 0 && publisher < publishers && sequence < messagesPerPublisher
    if (buffer.readUInt32BE(at + 8) !== runId || !isKnown) {
      this.#unexpected++
      return
    }
    const index = publisher * messagesPerPublisher + sequence
    if (this.#seen[index] !== 0) {
      this.#duplicated++
      return
    }
    this.#seen[index] = 1
    this.#delivered++
    // A gap alone is loss, not disorder: only the message that comes after a later one is out of order.
    const next = this.#next[publisher] as number
    if (sequence < next) this.#outOfOrder++
    else this.#next[publisher] = sequence + 1
  }

  get delivered(): number {
    return this.#delivered
  }

  counts(): DeliveryCounts {
    return {
      delivered: this.#delivered,
      lost: this.#seen.length - this.#delivered,
      duplicated: this.#duplicated,
      outOfOrder: this.#outOfOrder,
      unexpected: this.#unexpected,
    }
  }
}
