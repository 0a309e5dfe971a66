import type { Client, PublishPacket } from 'aedes'
import AsyncLevelPersistence from 'aedes-persistence-level/asyncPersistence.js'
import type { StoreDatabase } from '../../plugins/index.ts'
import { LevelQos2Marks } from './qos2-marks.ts'

export interface LevelSessionsOptions {
  /** Messages kept for one client, in flight and waiting together; 0 is unlimited. */
  readonly maxMessagesPerClient: number
  /** Told of every message that was not queued because the queue was full. */
  readonly onQueueFull: (clientId: string, topic: string) => void
}

const outgoingPrefix = 'outgoing:'

/**
 * MQTT sessions, retained messages and wills in the `sessions` sublevel of the chain's store. The engine's persistence
 * with repairs: writes complete in the order of their calls, queues have a limit, QoS 2 marks go with their PUBREL.
 */
export class LevelSessions extends AsyncLevelPersistence {
  readonly #options: LevelSessionsOptions
  /** Recorded QoS 2 publishes that wait for their PUBREL. */
  readonly qos2Marks: LevelQos2Marks
  readonly #database
  /** Queued messages per client. */
  readonly #queued = new Map<string, number>()
  readonly #writes = new CallOrder()
  readonly #updates = new CallOrder()
  readonly #incoming = new CallOrder()

  constructor(database: StoreDatabase, options: LevelSessionsOptions) {
    const sessions = database.sublevel<string, string>('sessions', { keyEncoding: 'utf8', valueEncoding: 'utf8' })
    super(sessions)
    this.qos2Marks = new LevelQos2Marks(database)
    this.#database = sessions
    this.#options = options
  }

  // The engine checks that setup is a native async function.
  override async setup(broker: unknown): Promise<void> {
    await super.setup(broker)
    for await (const key of this.#database.keys({ gte: outgoingPrefix, lt: 'outgoing;' })) {
      this.#count(decodeURIComponent(key.slice(outgoingPrefix.length, key.indexOf(':', outgoingPrefix.length))), 1)
    }
  }

  override storeRetained(packet: PublishPacket): Promise<void> {
    return this.#writes.keep(super.storeRetained(packet))
  }

  override outgoingEnqueueCombi(
    subscriptions: readonly { clientId: string; topic: string }[],
    packet: PublishPacket,
  ): Promise<unknown> {
    const { maxMessagesPerClient, onQueueFull } = this.#options
    const admitted = (subscriptions ?? []).filter(({ clientId }) => {
      const hasRoom = maxMessagesPerClient === 0 || (this.#queued.get(clientId) ?? 0) < maxMessagesPerClient
      if (hasRoom) this.#count(clientId, 1)
      else onQueueFull(clientId, packet.topic)
      return hasRoom
    })
    return this.#writes.keep(super.outgoingEnqueueCombi(admitted, packet))
  }

  // The engine sends a message to a persistent session when this is done.
  override outgoingUpdate(client: Client, packet: PublishPacket): Promise<unknown> {
    return this.#updates.keep(super.outgoingUpdate(client, packet))
  }

  override async outgoingClearMessageId(client: Client, packet: { messageId?: number }): Promise<unknown> {
    const cleared = await super.outgoingClearMessageId(client, packet)
    if (cleared !== undefined) this.#count(client.id, -1)
    return cleared
  }

  // The engine publishes a QoS 2 message when it was looked up and stored.
  override incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown> {
    return this.#incoming.keep(super.incomingGetPacket(client, packet))
  }

  override incomingStorePacket(client: Client, packet: PublishPacket): Promise<void> {
    return this.#incoming.keep(super.incomingStorePacket(client, packet))
  }

  override async incomingDelPacket(client: Client, packet: { messageId?: number }): Promise<void> {
    await super.incomingDelPacket(client, packet)
    await this.qos2Marks.remove(client, packet)
  }

  override async cleanIncoming(client: { id: string }): Promise<void> {
    await super.cleanIncoming(client)
    await this.qos2Marks.removeAll(client)
  }

  #count(clientId: string, change: number): void {
    const count = (this.#queued.get(clientId) ?? 0) + change
    if (count > 0) this.#queued.set(clientId, count)
    else this.#queued.delete(clientId)
  }
}

/**
 * LevelDB completes writes in any order, and the engine routes a message when its write completes: messages would
 * overtake one another (engine section 6). So each waits for the ones before it.
 */
class CallOrder {
  #last: Promise<unknown> = Promise.resolve()

  keep<T>(write: Promise<T>): Promise<T> {
    write.catch(() => {
      // Heard when its turn comes; unheard until then, a failure would end the process.
    })
    const earlier = this.#last
    const inOrder = earlier.then(() => write)
    this.#last = inOrder.catch(() => {
      // Reported to whoever called this write; the ones after it are not to fail with it.
    })
    return inOrder
  }
}
