import type { Transport } from '../listeners/index.ts'

/** What may wait for the other side before a writer is told to wait. */
const fullAtBytes = 64 * 1024

/**
 * A connection within the process: what one side writes, the other reads in a later turn. Its address is one of this
 * machine, with port 0.
 * @param kind of the network connection that it continues
 */
export function transportPair(kind: 'tcp' | 'tls'): readonly [Transport, Transport] {
  const one = new PairedTransport(kind)
  const other = new PairedTransport(kind)
  one.join(other)
  other.join(one)
  return [one, other]
}

class PairedTransport implements Transport {
  readonly kind: 'tcp' | 'tls'
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 0
  readonly #onData: ((chunk: Buffer) => void)[] = []
  readonly #onEnd: (() => void)[] = []
  readonly #onClose: (() => void)[] = []
  readonly #onDrain: (() => void)[] = []
  #peer: PairedTransport = this
  /** Written by the peer, not read here yet. */
  #incoming: Buffer[] = []
  #incomingBytes = 0
  #isPaused = false
  #isScheduled = false
  #hasPeerEnded = false
  #hasEnded = false
  #isClosed = false
  #mustDrain = false

  constructor(kind: 'tcp' | 'tls') {
    this.kind = kind
  }

  join(peer: PairedTransport): void {
    this.#peer = peer
  }

  onData(handler: (chunk: Buffer) => void): void {
    this.#onData.push(handler)
  }

  onEnd(handler: () => void): void {
    this.#onEnd.push(handler)
  }

  onClose(handler: () => void): void {
    this.#onClose.push(handler)
  }

  onError(): void {
    // Nothing can go wrong on the way.
  }

  onDrain(handler: () => void): void {
    this.#onDrain.push(handler)
  }

  write(bytes: Buffer): boolean {
    const peer = this.#peer
    if (this.#hasEnded || this.#isClosed || peer.#isClosed) return false
    peer.#incoming.push(bytes)
    peer.#incomingBytes += bytes.length
    peer.#schedule()
    this.#mustDrain = peer.#incomingBytes >= fullAtBytes
    return !this.#mustDrain
  }

  get bufferedBytes(): number {
    return this.#peer.#incomingBytes
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#schedule()
  }

  end(): void {
    if (this.#hasEnded || this.#isClosed) return
    this.#hasEnded = true
    this.#peer.#hasPeerEnded = true
    this.#peer.#schedule()
    // Reads on, or the other side's end would never be seen.
    this.resume()
    this.#schedule()
  }

  destroy(): void {
    this.#hasEnded = true
    this.#close()
    this.#peer.#close()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#read()
    })
  }

  #read(): void {
    while (!this.#isPaused && !this.#isClosed) {
      const chunk = this.#incoming.shift()
      if (chunk === undefined) break
      this.#incomingBytes -= chunk.length
      for (const handler of this.#onData) handler(chunk)
    }
    if (this.#isPaused || this.#isClosed) return
    const peer = this.#peer
    if (peer.#mustDrain) {
      peer.#mustDrain = false
      for (const handler of peer.#onDrain) handler()
    }
    if (!this.#hasPeerEnded) return
    // As with sockets: the end of one side is answered with the end of the other.
    if (!this.#hasEnded) {
      for (const handler of this.#onEnd) handler()
      this.end()
    }
    // Everything that this side was sent is read; the other side's part may still be on its way.
    if (peer.#incoming.length === 0) {
      this.#close()
      peer.#close()
    } else peer.#schedule()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#incoming = []
    this.#incomingBytes = 0
    setImmediate(() => {
      for (const handler of this.#onClose) handler()
    })
  }
}
