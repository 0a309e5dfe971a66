import { type Message, type MessageParts, messageOf } from '../../broker/sessions/message.ts'
import { Outbox } from '../../broker/sessions/outbox.ts'
import type { Chunk, Entry, OutboxOptions, QueueLimits, QueueTotals } from '../../broker/sessions/queue.ts'

/** A message whose payload is the text; by default that of its index. */
export function testMessage(index: number, parts: Partial<MessageParts> = {}): Message {
  return messageOf({
    index,
    topic: `t/${index}`,
    payload: Buffer.from(`${index}`),
    qos: 1,
    retain: false,
    properties: undefined,
    timeMs: 0,
    ...parts,
  })
}

export type Dropped = Parameters<OutboxOptions['onDropped']>[1]

/** An outbox, with what it told and a store of messages in memory. */
export class TestOutbox {
  readonly outbox: Outbox
  /** By index: what the source has. */
  readonly messages = new Map<number, Message>()
  /** Only found by loading. */
  readonly onDisk = new Set<number>()
  /** Loading fails. */
  loadError: Error | undefined
  readonly loads: number[] = []
  readonly dropped: Dropped[] = []
  readonly totals: QueueTotals = { messages: 0, bytes: 0, inFlight: 0 }
  /** Topics that the client may not read. */
  readonly forbidden = new Set<string>()
  readonly errors: unknown[] = []
  readonly chunksDone: Chunk[] = []
  readonly received: number[] = []
  /** What waits for a commit. */
  readonly durable: (() => void)[] = []
  nowMs = 1000
  limits: QueueLimits
  #nextIndex = 1

  constructor(limits: Partial<QueueLimits> = {}, nextNumber = 0) {
    this.limits = {
      maxInflightMessages: 20,
      maxInflightBytes: 0,
      maxQueuedMessages: 1000,
      maxQueuedBytes: 0,
      ...limits,
    }
    const keeper = {
      clientId: 'client',
      mayRead: (topicName: string) => !this.forbidden.has(topicName),
      chunkDone: (chunk: Chunk) => this.chunksDone.push(chunk),
      entryReceived: (entry: Entry, then: () => void) => {
        this.received.push(entry.number)
        this.durable.push(then)
      },
    }
    this.outbox = new Outbox(
      keeper,
      {
        source: {
          remember: () => {},
          get: (index) => (this.onDisk.has(index) ? undefined : this.messages.get(index)),
          load: async (index) => {
            this.loads.push(index)
            if (this.loadError !== undefined) throw this.loadError
            return this.messages.get(index)
          },
        },
        now: () => this.nowMs,
        limits: () => this.limits,
        totals: this.totals,
        onDropped: (_clientId, reason) => this.dropped.push(reason),
        onError: (error) => this.errors.push(error),
      },
      nextNumber,
    )
  }

  /** Queues a message, as one commit does. @returns undefined when there was no room */
  admit(
    qos: 1 | 2,
    more: { chunk?: Chunk; parts?: Partial<MessageParts>; isForced?: boolean } = {},
  ): Entry | undefined {
    const message = testMessage(this.#nextIndex++, { qos, ...more.parts })
    this.messages.set(message.index, message)
    return this.outbox.admit(
      {
        index: message.index,
        qos,
        retain: message.retain,
        subscriptionIdentifiers: [],
        shared: undefined,
        bytes: message.payload.length,
        message,
      },
      { chunk: more.chunk, ...(more.isForced === undefined ? undefined : { isForced: more.isForced }) },
    )
  }

  /** Queues a message and lets its commit end. */
  publish(qos: 0 | 1 | 2, more: Parameters<TestOutbox['admit']>[1] = {}): void {
    if (qos === 0) {
      const message = testMessage(this.#nextIndex++, { qos, ...more.parts })
      this.messages.set(message.index, message)
      this.outbox.sendQos0(message, false, [])
      return
    }
    const entry = this.admit(qos, more)
    if (entry !== undefined) this.outbox.release(entry)
  }

  /** The commits that were asked for end. */
  commit(): void {
    for (const then of this.durable.splice(0)) then()
  }
}

export function emptyChunk(firstNumber = 0): Chunk {
  return { firstNumber, entries: [], left: 0 }
}
