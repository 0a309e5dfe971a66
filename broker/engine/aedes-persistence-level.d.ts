declare module 'aedes-persistence-level/asyncPersistence.js' {
  import type { Readable } from 'node:stream'

  /** The parts of AsyncLevelPersistence 9.2.0 that EnginePersistence overrides. */
  export default class AsyncLevelPersistence {
    constructor(database: unknown)
    setup(broker: unknown): Promise<void>
    subscriptionsByClient(client: { id: string }): Promise<readonly unknown[]>
    cleanSubscriptions(client: { id: string }): Promise<unknown>
    delWill(client: { id: string }): Promise<unknown>
    streamWill(brokers: unknown): Readable
    outgoingStream(client: { id: string }): Readable
  }
}
