declare module 'aedes-persistence-level/asyncPersistence.js' {
  import type { Client, PublishPacket } from 'aedes'

  /** The parts of AsyncLevelPersistence 9.2.0 that LevelSessions overrides. */
  export default class AsyncLevelPersistence {
    constructor(database: unknown)
    setup(broker: unknown): Promise<void>
    storeRetained(packet: PublishPacket): Promise<void>
    outgoingEnqueueCombi(
      subscriptions: readonly { clientId: string; topic: string }[],
      packet: PublishPacket,
    ): Promise<unknown>
    outgoingUpdate(client: Client, packet: PublishPacket): Promise<unknown>
    outgoingClearMessageId(client: Client, packet: { messageId?: number }): Promise<unknown>
    incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown>
    incomingStorePacket(client: Client, packet: PublishPacket): Promise<void>
    incomingDelPacket(client: Client, packet: { messageId?: number }): Promise<void>
    cleanIncoming(client: { id: string }): Promise<void>
    destroy(): Promise<void>
  }
}
