import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CryptoProvider, type PushedReceipt, toBase64url, withoutUndefined } from '../../protocol/index.ts'
import type { DirectClient, DirectTopics } from '../admin-topic/index.ts'
import type { Publisher } from '../authorize-publish/index.ts'
import type { CheckpointKeeper, PublishedCheckpoint } from '../checkpoints/index.ts'
import { ReceiptQueue } from './receipt-queue.ts'
import { type ReceiptChain, type RecordReceipt, receiptsOf } from './record-receipts.ts'

/** Receipts made in one turn of the event loop: a millisecond or two. */
const receiptsPerTurn = 8

/** Clients that are remembered while they do not listen, and publishes in the name of each. */
const maxAbsent = 1000
const maxOwedEach = 100

export interface ReceiptPushOptions {
  readonly chain: ReceiptChain
  readonly checkpoints: Pick<CheckpointKeeper, 'newest' | 'onPublished' | 'intervalMs'>
  readonly topics: Pick<DirectTopics, 'isListening' | 'sendEvent'>
  readonly crypto: CryptoProvider
  readonly onError: (error: unknown) => void
}

/** Whose publishes they are. */
export type ReceiptOwner = Pick<Publisher, 'clientId' | 'username' | 'auth'>

interface Subscriber {
  readonly owner: ReceiptOwner
  readonly queue: ReceiptQueue
}

/**
 * Sends every connection that listens to its receipt topic a receipt for each of its publishes, when a checkpoint covers
 * it. Works in the background, in small steps; what a client does not take waits for it, up to a limit.
 */
export class ReceiptPush {
  readonly #options: ReceiptPushOptions
  readonly #subscribers = new Map<DirectClient, Subscriber>()
  readonly #byClientId = new Map<string, DirectClient>()
  /** Publishes in the name of clients that did not listen then, by client id; the one that came first goes first. */
  readonly #owed = new Map<string, number[]>()
  readonly #stopListening: () => void
  #running: Promise<void> | undefined
  #isWanted = false
  #isClosed = false
  #retry: NodeJS.Timeout | undefined

  constructor(options: ReceiptPushOptions) {
    this.#options = options
    this.#stopListening = options.checkpoints.onPublished(() => this.#wake())
  }

  /** Where a connection's publishes are to be noted; undefined when it does not listen. To be asked when that changes. */
  queueOf(client: DirectClient, owner: ReceiptOwner): ReceiptQueue | undefined {
    if (!this.#options.topics.isListening(client, 'receipt')) {
      this.forget(client)
      return undefined
    }
    const known = this.#subscribers.get(client)
    if (known !== undefined) return known.queue
    const queue = new ReceiptQueue((index) => {
      // A publish that was sent again, and is covered already.
      if (index < (this.#options.checkpoints.newest?.treeSize ?? 0)) this.#wake()
    })
    this.#subscribers.set(client, { owner, queue })
    this.#byClientId.set(owner.clientId, client)
    for (const index of this.#owed.get(owner.clientId) ?? []) queue.accepted(index)
    this.#owed.delete(owner.clientId)
    return queue
  }

  /**
   * A publish in the name of a client that did not come by a connection of it: its will, or over a link. Its receipt goes to
   * the connection that listens, or to the next one that does.
   */
  acceptedFor(clientId: string, index: number): void {
    const client = this.#byClientId.get(clientId)
    const subscriber = client && this.#subscribers.get(client)
    if (subscriber !== undefined) {
      subscriber.queue.accepted(index)
      return
    }
    const owed = this.#owed.get(clientId) ?? []
    if (owed.length < maxOwedEach) owed.push(index)
    this.#owed.set(clientId, owed)
    const [oldest] = this.#owed.keys()
    if (this.#owed.size > maxAbsent && oldest !== undefined) this.#owed.delete(oldest)
  }

  /** The connection is over, or does not listen any more. */
  forget(client: DirectClient): void {
    const clientId = this.#subscribers.get(client)?.owner.clientId
    if (clientId !== undefined && this.#byClientId.get(clientId) === client) this.#byClientId.delete(clientId)
    this.#subscribers.delete(client)
  }

  /** Ends what is going on; nothing is sent after it. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopListening()
    clearTimeout(this.#retry)
    await this.#running
  }

  #wake(): void {
    if (this.#isClosed || this.#subscribers.size === 0) return
    this.#isWanted = true
    this.#running ??= this.#run()
      .catch(this.#options.onError)
      .finally(() => {
        this.#running = undefined
        if (this.#isWanted) this.#wake()
      })
  }

  async #run(): Promise<void> {
    let isBehind = false
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false
      const { newest } = this.#options.checkpoints
      // One leaf has no path.
      if (newest === undefined || newest.treeSize < 2) return
      isBehind = false
      for (const [client, subscriber] of this.#subscribers) {
        if (!(await this.#serve(client, subscriber, newest))) isBehind = true
      }
    }
    if (!isBehind || this.#isClosed) return
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#wake(), this.#options.checkpoints.intervalMs).unref()
  }

  /** @returns whether the client took everything */
  async #serve(client: DirectClient, { owner, queue }: Subscriber, checkpoint: PublishedCheckpoint): Promise<boolean> {
    const { chain, crypto, topics, onError } = this.#options
    const indexes = queue.takeCovered(checkpoint.treeSize)
    let sent = 0
    try {
      for await (const receipt of receiptsOf(chain, indexes, checkpoint, crypto)) {
        if (this.#isClosed || !this.#subscribers.has(client)) return true
        if (client.isCongested === true) {
          queue.putBack(indexes.slice(sent))
          return false
        }
        const isSent =
          receipt !== undefined && (!isOf(receipt, owner) || topics.sendEvent(client, 'receipt', pushed(receipt)))
        if (!isSent) queue.drop(indexes.slice(sent, sent + 1))
        sent++
        if (sent % receiptsPerTurn === 0) await nextTurn()
      }
    } catch (error) {
      queue.drop(indexes.slice(sent))
      onError(error)
    }
    const dropped = queue.takeDropped()
    if (dropped !== undefined) topics.sendEvent(client, 'receipt', dropped)
    return true
  }
}

/**
 * Whether the record is of this client. It is not when somebody else sent a signed publish again: the copy is
 * acknowledged, and what the record says of its publisher is not for him.
 */
function isOf({ record }: RecordReceipt, { clientId, username, auth }: ReceiptOwner): boolean {
  return record.clientId === clientId && record.username === username && record.auth === auth
}

function pushed({ record, json }: RecordReceipt): PushedReceipt {
  const { topic = '', seq, payloadSha256 = new Uint8Array(0) } = record
  return { topic, ...withoutUndefined({ seq }), payloadSha256: toBase64url(payloadSha256), ...json }
}
