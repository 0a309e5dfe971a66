import type { QoS } from '../edge/index.ts'
import type { Link } from './link.ts'
import type { Message } from './message.ts'
import type { Chunk, Entry, OutboxKeeper, OutboxOptions, Wanted } from './queue.ts'

const maxPacketId = 65_535
/** QoS 0 messages that wait behind others, where the queue as such is unlimited. */
const maxQueuedQos0 = 100_000
const compactAfter = 4096
const loadAgainAfterMs = 1000

/**
 * What one client is to be sent, in the order of the chain. QoS 1 and 2 messages stay until they are acknowledged;
 * QoS 0 goes past the queue only while nothing waits in it, so that a publisher's messages keep their order across QoS
 * levels. Packet ids follow from an entry's number: after a crash a redelivery has the id of the delivery.
 * [MQTT-5.0 4.4.0-1, 4.6.0-1]
 */
export class Outbox {
  readonly #keeper: OutboxKeeper
  readonly #options: OutboxOptions
  /** Entries from #head on are not done, or wait for one before them to be done. Those before #next were sent. */
  #queue: Entry[] = []
  #head = 0
  #next = 0
  readonly #inFlight = new Map<number, Entry>()
  #link: Link | undefined
  /** Payload of what is in flight. */
  #inFlightBytes = 0
  #isLoading = false
  #isEnded = false
  /** Admitted and not done, QoS 1 and 2. */
  #count = 0
  #bytes = 0
  #waitingQos0 = 0
  #nextNumber: number
  #sentUpTo = 0

  /** @param nextNumber of the next QoS 1 or 2 message */
  constructor(keeper: OutboxKeeper, options: OutboxOptions, nextNumber = 0) {
    this.#keeper = keeper
    this.#options = options
    this.#nextNumber = nextNumber
  }

  /** QoS 1 and 2 messages that are not acknowledged. */
  get size(): number {
    return this.#count
  }

  get nextNumber(): number {
    return this.#nextNumber
  }

  /** No entry from this number on was ever sent. */
  get sentUpTo(): number {
    return this.#sentUpTo
  }

  /** Whether there is room for one more QoS 1 or 2 message. */
  get hasRoom(): boolean {
    const { maxQueuedMessages, maxQueuedBytes, maxInflightMessages } = this.#options.limits()
    // Of a client that is away nothing is in flight.
    const inFlight = this.#link === undefined ? 0 : maxInflightMessages || maxPacketId
    if (maxQueuedMessages > 0 && this.#count >= maxQueuedMessages + inFlight) return false
    return maxQueuedBytes === 0 || this.#bytes < maxQueuedBytes
  }

  /**
   * Takes a message whose record is about to be committed, QoS 1 or 2 as a rule. It is not sent before {@link release}.
   * @param isForced also when the queue is full
   * @returns undefined when the queue is full; that is counted
   */
  admit(
    wanted: Wanted,
    { chunk, isForced }: { readonly chunk: Chunk | undefined; readonly isForced?: boolean },
  ): Entry | undefined {
    if (isForced !== true && !this.hasRoom) {
      this.#options.onDropped(this.#keeper.clientId, 'queue-full')
      return undefined
    }
    const { index, qos, retain, subscriptionIdentifiers, shared, bytes, message } = wanted
    const entry: Entry = {
      number: this.#nextNumber++,
      index,
      qos,
      retain,
      subscriptionIdentifiers,
      shared,
      bytes,
      chunk,
      state: 'waiting',
      wasSent: false,
      message,
    }
    if (entry.chunk !== undefined) {
      entry.chunk.entries.push(entry)
      entry.chunk.left++
    }
    this.#add(entry)
    return entry
  }

  /** The record of an admitted entry is durable. Called in the order of the chain. */
  release(entry: Entry): void {
    this.#queue.push(entry)
    this.#pump()
    if (entry.state !== 'waiting' || entry.index === 0) return
    // A client that is a moment behind gets it from memory; one that is away, from the chain some time.
    if (entry.message !== undefined && this.#link !== undefined) this.#options.source.remember(entry.message)
    entry.message = undefined
  }

  /** Puts an entry of the disk back, at start. Called in the order of their numbers. */
  restore(entry: Entry): void {
    this.#queue.push(entry)
    this.#add(entry)
    // At most once: one that may have been sent is not sent again.
    if (entry.qos === 0 && entry.wasSent) this.#finish(entry)
    if (entry.number >= this.#nextNumber) this.#nextNumber = entry.number + 1
    if (entry.wasSent) this.#sentUpTo = entry.number + 1
  }

  /** Sends a QoS 0 message, behind what waits. Without a connection it is gone. */
  sendQos0(message: Message, retain: boolean, subscriptionIdentifiers: readonly number[], isForced = false): void {
    const link = this.#link
    if (link === undefined) return
    if (this.#next === this.#queue.length && !link.isCongested) {
      this.#send(link, message, 0, retain, false, 0, subscriptionIdentifiers)
      return
    }
    const limit = this.#options.limits().maxQueuedMessages || maxQueuedQos0
    if (!isForced && this.#waitingQos0 >= limit) {
      this.#options.onDropped(this.#keeper.clientId, 'not-keeping-up')
      return
    }
    this.#waitingQos0++
    this.#queue.push({
      number: -1,
      index: message.index,
      qos: 0,
      retain,
      subscriptionIdentifiers,
      shared: undefined,
      bytes: 0,
      chunk: undefined,
      state: 'waiting',
      wasSent: false,
      message: isForced || message.index === 0 ? message : undefined,
    })
    this.#pump()
  }

  /** The client connected, and its CONNACK is written. What it has not acknowledged is sent again, first and in order. */
  attach(link: Link): void {
    this.#link = link
    this.#pump()
  }

  /** The connection is gone. */
  detach(): void {
    this.#link = undefined
    this.#options.totals.inFlight -= this.#inFlight.size
    this.#inFlight.clear()
    this.#inFlightBytes = 0
    this.#next = this.#head
    for (let i = this.#head; i < this.#queue.length; i++) {
      const entry = this.#queue[i] as Entry
      if (entry.state === 'sent') entry.state = 'waiting'
      if (entry.number < 0 && entry.state === 'waiting') this.#finish(entry)
    }
    this.#advance()
  }

  /** Sends what may be sent: the connection takes bytes again. */
  resume(): void {
    this.#pump()
  }

  /** [MQTT-5.0 4.3.2] */
  puback(packetId: number): void {
    const entry = this.#inFlight.get(packetId)
    if (entry === undefined || entry.qos !== 1) return
    this.#complete(packetId, entry)
  }

  /** [MQTT-5.0 4.3.3] @param isError the client refused the message: the exchange is over */
  pubrec(packetId: number, isError: boolean): void {
    const entry = this.#inFlight.get(packetId)
    if (entry === undefined || entry.qos !== 2) {
      if (!isError) this.#link?.sendPubrel(packetId, false)
      return
    }
    if (isError) {
      if (entry.state === 'sent') this.#complete(packetId, entry)
      return
    }
    if (entry.state === 'received') {
      this.#link?.sendPubrel(packetId, true)
      return
    }
    entry.state = 'received'
    const link = this.#link
    const sendPubrel = () => {
      // A later connection has been told already, by its own resume.
      if (this.#link === link) link?.sendPubrel(packetId, true)
    }
    if (entry.chunk === undefined) sendPubrel()
    else this.#keeper.entryReceived(entry, sendPubrel)
  }

  pubcomp(packetId: number): void {
    const entry = this.#inFlight.get(packetId)
    if (entry?.state === 'received') this.#complete(packetId, entry)
  }

  /** Everything that is not done, when the session ends. */
  *unfinished(): Generator<Entry> {
    for (let i = this.#head; i < this.#queue.length; i++) {
      const entry = this.#queue[i] as Entry
      if (entry.state !== 'done') yield entry
    }
  }

  #pump(): void {
    const link = this.#link
    if (link === undefined || this.#isLoading) return
    while (this.#next < this.#queue.length && !link.isCongested) {
      const entry = this.#queue[this.#next] as Entry
      if (entry.state === 'waiting' || entry.state === 'received') {
        if (!this.#sendEntry(link, entry)) return
      }
      this.#next++
    }
    this.#advance()
  }

  /** @returns false when it cannot be sent yet */
  #sendEntry(link: Link, entry: Entry): boolean {
    const packetId = entry.qos === 0 ? 0 : (entry.number % maxPacketId) + 1
    if (entry.state === 'received') {
      this.#enterFlight(packetId, entry)
      link.sendPubrel(packetId, true)
      return true
    }
    // The id of a message that was sent 65,535 messages ago may still be in use.
    if (entry.qos > 0 && (this.#inFlight.has(packetId) || !this.#hasFlightRoom(link, entry))) return false
    const message = entry.message ?? this.#options.source.get(entry.index)
    if (message === undefined) {
      this.#load(entry)
      return false
    }
    // Asked when it was queued, too: since then the list may have changed, or another user have taken the session.
    if (!this.#keeper.mayRead(message.topic)) {
      this.#options.onDropped(this.#keeper.clientId, 'access-denied')
      this.#finish(entry)
      return true
    }
    // What was sent once does not expire. [MQTT-5.0 4.3.3-7]
    if (!entry.wasSent && message.expiresAtMs <= this.#options.now()) {
      this.#options.onDropped(this.#keeper.clientId, 'expired')
      this.#finish(entry)
      return true
    }
    const { qos, retain, subscriptionIdentifiers } = entry
    const isSent = this.#send(link, message, qos, retain, entry.wasSent, packetId, subscriptionIdentifiers)
    if (isSent && entry.number >= this.#sentUpTo) this.#sentUpTo = entry.number + 1
    if (!isSent || qos === 0) {
      this.#finish(entry)
      return true
    }
    entry.state = 'sent'
    entry.wasSent = true
    if (entry.index > 0) entry.message = undefined
    this.#enterFlight(packetId, entry)
    return true
  }

  #add({ bytes }: Entry): void {
    this.#count++
    this.#bytes += bytes
    this.#options.totals.messages++
    this.#options.totals.bytes += bytes
  }

  /** The session is gone, and with it what waited. */
  end(): void {
    this.#isEnded = true
    const { totals } = this.#options
    totals.messages -= this.#count
    totals.bytes -= this.#bytes
    totals.inFlight -= this.#inFlight.size
    this.#count = 0
    this.#bytes = 0
    this.#inFlight.clear()
  }

  #hasFlightRoom({ receiveMaximum }: Link, { bytes }: Entry): boolean {
    const { maxInflightMessages, maxInflightBytes } = this.#options.limits()
    const window = Math.min(maxInflightMessages || maxPacketId, receiveMaximum)
    if (this.#inFlight.size >= window) return false
    // One that is larger than the limit goes alone.
    return maxInflightBytes === 0 || this.#inFlight.size === 0 || this.#inFlightBytes + bytes <= maxInflightBytes
  }

  #enterFlight(packetId: number, entry: Entry): void {
    this.#inFlight.set(packetId, entry)
    this.#inFlightBytes += entry.bytes
    this.#options.totals.inFlight++
  }

  /** @returns false when the packet is larger than the client takes; then it counts as delivered [MQTT-5.0 3.1.2-25] */
  #send(
    link: Link,
    message: Message,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetId: number,
    subscriptionIdentifiers: readonly number[],
  ): boolean {
    const isSent = link.sendPublish(message, qos, retain, dup, packetId, subscriptionIdentifiers)
    if (!isSent) this.#options.onDropped(this.#keeper.clientId, 'too-large')
    return isSent
  }

  #load(entry: Entry): void {
    this.#isLoading = true
    const loaded = (message: Message | undefined) => {
      this.#isLoading = false
      if (message === undefined) this.#finish(entry)
      else entry.message = message
      this.#pump()
    }
    this.#options.source.load(entry.index).then(loaded, (error) => {
      this.#options.onError(error)
      // Nothing is lost; a store that is being opened again can be read soon.
      const again = () => {
        this.#isLoading = false
        this.#pump()
      }
      setTimeout(again, loadAgainAfterMs).unref()
    })
  }

  #complete(packetId: number, entry: Entry): void {
    this.#inFlight.delete(packetId)
    this.#inFlightBytes -= entry.bytes
    this.#options.totals.inFlight--
    this.#finish(entry)
    this.#advance()
    this.#pump()
  }

  #finish(entry: Entry): void {
    if (entry.state === 'done') return
    entry.state = 'done'
    entry.message = undefined
    if (entry.number < 0) this.#waitingQos0--
    else {
      this.#count--
      this.#bytes -= entry.bytes
      if (!this.#isEnded) {
        this.#options.totals.messages--
        this.#options.totals.bytes -= entry.bytes
      }
    }
    const { chunk } = entry
    if (chunk !== undefined && --chunk.left === 0) this.#keeper.chunkDone(chunk)
  }

  #advance(): void {
    const queue = this.#queue
    while (this.#head < queue.length && (queue[this.#head] as Entry).state === 'done') this.#head++
    if (this.#next < this.#head) this.#next = this.#head
    if (this.#head === queue.length) {
      this.#queue = []
      this.#head = 0
      this.#next = 0
    } else if (this.#head >= compactAfter && this.#head * 2 >= queue.length) {
      this.#queue = queue.slice(this.#head)
      this.#next -= this.#head
      this.#head = 0
    }
  }
}
