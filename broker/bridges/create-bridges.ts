import { FlushQueue } from '../edge/output.ts'
import { Bridge, type BridgeDependencies } from './bridge.ts'
import type { BridgeOptions } from './bridge-options.ts'
import { BridgeError } from './errors.ts'

/** All bridges of a broker. */
export interface Bridges {
  readonly all: readonly Bridge[]
  /** Connects them; to be called when the broker accepts clients. */
  start(): void
  /** Takes leave at both ends of each. To be called before the broker closes its clients. */
  close(): Promise<void>
}

/**
 * Makes the bridges of a broker. Nothing is connected before {@link Bridges.start}.
 * @throws {BridgeError} ERR_BRIDGE_OPTIONS_INVALID, ERR_BRIDGE_TLS_UNUSABLE
 */
export function createBridges(options: readonly BridgeOptions[], dependencies: BridgeDependencies): Bridges {
  const flushQueue = new FlushQueue()
  const all = options.map((bridge) => new Bridge(bridge, dependencies, flushQueue))
  const clientIds = new Set<string>()
  for (const { name, localClientId } of all) {
    // Two clients with one id would end each other for ever.
    if (clientIds.has(localClientId)) {
      const message = `connection ${name}: another one has the local client id '${localClientId}'`
      throw new BridgeError('ERR_BRIDGE_OPTIONS_INVALID', message)
    }
    clientIds.add(localClientId)
  }
  return {
    all,
    start: () => {
      for (const bridge of all) bridge.start()
    },
    close: async () => {
      await Promise.all(all.map((bridge) => bridge.close()))
    },
  }
}
