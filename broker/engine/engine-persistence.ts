import { Readable } from 'node:stream'
import AsyncLevelPersistence from 'aedes-persistence-level/asyncPersistence.js'
import type { StoreDatabase } from '../../plugins/index.ts'

const done = Promise.resolve(undefined)
const none = Promise.resolve<readonly unknown[]>([])

/**
 * What the engine is given as its persistence: the level persistence on a corner of the store, with everything that the
 * sessions of the broker do themselves turned off. The engine believes that every client begins a new session without a
 * will, and has no subscriptions.
 */
export class EnginePersistence extends AsyncLevelPersistence {
  constructor(database: StoreDatabase) {
    super(database.sublevel<string, string>('engine', { keyEncoding: 'utf8', valueEncoding: 'utf8' }))
  }

  // The engine checks that setup is a native async function.
  override async setup(broker: unknown): Promise<void> {
    await super.setup(broker)
  }

  override subscriptionsByClient(): Promise<readonly unknown[]> {
    return none
  }

  override cleanSubscriptions(): Promise<unknown> {
    return done
  }

  override delWill(): Promise<undefined> {
    return done
  }

  override streamWill(): Readable {
    return Readable.from([])
  }

  override outgoingStream(): Readable {
    return Readable.from([])
  }
}
