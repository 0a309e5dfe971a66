import type { OutgoingTransport } from './outgoing-transport.ts'
import { type Traffic, uncounted } from './traffic.ts'

const smallSlabBytes = 1024
const largeSlabBytes = 64 * 1024
/** A client that is written to much keeps its slab until it is full; one that fell silent gives it back after this. */
const releaseAfterMs = 1000
/** Beyond this an output does not wait for the end of the turn. */
const flushAtBytes = 1024 * 1024

/** Gives everything that was written in one turn of the event loop to the system, in one write per connection. */
export class FlushQueue {
  #marked: Output[] = []
  #isScheduled = false
  readonly #holders = new Set<Output>()
  #releaseTimer: NodeJS.Timeout | undefined

  mark(output: Output): void {
    this.#marked.push(output)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.flushAll()
    })
  }

  flushAll(): void {
    while (this.#marked.length > 0) {
      const marked = this.#marked
      this.#marked = []
      for (const output of marked) output.flush()
    }
  }

  /** This output holds a large slab. */
  holds(output: Output): void {
    this.#holders.add(output)
    this.#releaseTimer ??= setInterval(() => this.#release(), releaseAfterMs).unref()
  }

  #release(): void {
    for (const output of this.#holders) if (output.releaseIfSilent()) this.#holders.delete(output)
    if (this.#holders.size > 0) return
    clearInterval(this.#releaseTimer)
    this.#releaseTimer = undefined
  }
}

/** Collects what is written to one connection. */
export class Output {
  readonly #transport: OutgoingTransport
  readonly #queue: FlushQueue
  #slab: Buffer | undefined
  #start = 0
  #end = 0
  #isMarked = false
  /** Bytes of the turn that was flushed last: what the next one may need. */
  #lastTurnBytes = 0
  #turnBytes = 0
  #isSilent = false

  readonly #traffic: Traffic

  constructor(transport: OutgoingTransport, queue: FlushQueue, traffic = uncounted()) {
    this.#transport = transport
    this.#queue = queue
    this.#traffic = traffic
  }

  /** Bytes that the peer's system has not taken yet, as far as known. */
  get bufferedBytes(): number {
    return this.#transport.bufferedBytes + this.#end - this.#start
  }

  /**
   * Room for one packet: write into {@link slab} from the offset returned, then {@link commit}.
   * @returns offset in the slab
   */
  reserve(bytes: number): number {
    if (this.#slab === undefined || this.#end + bytes > this.#slab.length) this.#renewSlab(bytes)
    return this.#end
  }

  get slab(): Buffer {
    return this.#slab as Buffer
  }

  /** One packet was written into what was reserved, up to here. */
  commit(end: number): void {
    const bytes = end - this.#end
    this.#turnBytes += bytes
    this.#traffic.messagesSent++
    this.#traffic.bytesSent += bytes
    this.#end = end
    this.#isSilent = false
    if (!this.#isMarked) {
      this.#isMarked = true
      this.#queue.mark(this)
    }
    if (end - this.#start >= flushAtBytes) this.#write()
  }

  /** Writes one packet that is made already. */
  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.slab.set(bytes, at)
    this.commit(at + bytes.length)
  }

  flush(): void {
    this.#isMarked = false
    this.#write()
    this.#lastTurnBytes = this.#turnBytes
    this.#turnBytes = 0
    // Small ones are cheap to make and would keep a pool of Node's alive.
    if (this.#slab !== undefined && this.#slab.length < largeSlabBytes) this.#slab = undefined
  }

  /** @returns whether the slab was given back */
  releaseIfSilent(): boolean {
    if (!this.#isSilent || this.#end > this.#start) {
      this.#isSilent = true
      return false
    }
    this.#slab = undefined
    return true
  }

  #write(): void {
    const { slab } = this
    if (this.#end === this.#start) return
    // The part that was written belongs to the system from now on; the rest of the slab is still ours.
    this.#transport.write(slab.subarray(this.#start, this.#end))
    this.#start = this.#end
  }

  #renewSlab(bytes: number): void {
    this.#write()
    const isBusy = this.#turnBytes + this.#lastTurnBytes + bytes > smallSlabBytes
    const size = Math.max(bytes, isBusy ? largeSlabBytes : smallSlabBytes)
    this.#slab = size > smallSlabBytes ? Buffer.allocUnsafeSlow(size) : Buffer.allocUnsafe(size)
    this.#start = 0
    this.#end = 0
    if (size >= largeSlabBytes) this.#queue.holds(this)
  }
}
