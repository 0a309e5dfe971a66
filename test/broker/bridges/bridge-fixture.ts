import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import type { BridgeDependencies } from '../../../broker/bridges/bridge.ts'
import type { BridgeOptions, BridgeTopic } from '../../../broker/bridges/bridge-options.ts'
import { type Bridges, createBridges } from '../../../broker/bridges/index.ts'
import type { Accept } from '../../../broker/listeners/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'

/** Hands the local end of a bridge to a broker over TCP, with every byte as it is. */
export function acceptAt(port: number): Accept {
  return (transport) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    transport.onData((chunk) => socket.write(chunk))
    transport.onEnd(() => socket.end())
    transport.onClose(() => socket.destroy())
    socket.on('data', (chunk: Buffer) => transport.write(chunk))
    socket.on('error', () => transport.destroy())
    socket.on('close', () => transport.end())
  }
}

/** A `topic` line; no prefixes. */
export function topicLine(filter: string, direction: BridgeTopic['direction'], qos: 0 | 1 | 2): BridgeTopic {
  return { filter, direction, qos, localPrefix: '', remotePrefix: '' }
}

/** Mosquitto's defaults, but for a short restart timeout. */
export function bridgeOptions(port: number, options: Partial<BridgeOptions> = {}): BridgeOptions {
  return {
    name: 'cloud',
    addresses: [{ host: '127.0.0.1', port }],
    topics: [],
    remoteClientId: 'site',
    cleanSession: false,
    localCleanSession: false,
    keepAliveSeconds: 60,
    restartTimeout: { baseSeconds: 0.05, capSeconds: 0.05 },
    notifications: false,
    notificationsLocalOnly: false,
    protocolVersion: 'mqttv311',
    attemptUnsubscribe: true,
    roundRobin: false,
    tryPrivate: true,
    ...options,
  }
}

/** What a bridge told about itself. */
export interface RunningBridge {
  readonly bridges: Bridges
  /** What was published to the broker by `publishLocal`, as `topic payload`. */
  readonly notices: readonly string[]
  readonly errors: readonly unknown[]
  /** How often it came up. */
  readonly ups: () => number
  /** Waits until the bridge was up so often since it was made, or failed so often. */
  readonly whenUp: (times?: number) => Promise<void>
  readonly whenFailed: (times?: number) => Promise<void>
}

/** Runs a bridge until the test ends. */
export function runBridge(
  t: TestContext,
  accept: Accept,
  options: BridgeOptions,
  dependencies: Partial<BridgeDependencies> = {},
): RunningBridge {
  const notices: string[] = []
  const errors: unknown[] = []
  const waiting = new Set<() => void>()
  const changed = () => {
    for (const look of waiting) look()
  }
  const until = (isThere: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!isThere()) return
        clearTimeout(timer)
        waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(look)
        reject(new Error(`the bridge did not get there: ${errors.map(String).join('; ')}`))
      }, 20_000)
      waiting.add(look)
      look()
    })
  let ups = 0
  const bridges = createBridges(
    [
      {
        ...options,
        notifications: true,
        notificationsLocalOnly: !options.notifications || options.notificationsLocalOnly,
      },
    ],
    {
      accept,
      publishLocal: (topic, payload) => {
        notices.push(`${topic} ${payload}`)
        if (payload === '1') ups++
        changed()
      },
      subscriptionsOf: () => [],
      log: { notice: () => {}, warning: () => {}, error: () => {} },
      onError: (error) => {
        errors.push(error)
        changed()
      },
      ...dependencies,
    },
  )
  atEnd(t, () => bridges.close())
  bridges.start()
  return {
    bridges,
    notices,
    errors,
    ups: () => ups,
    whenUp: (times = 1) => until(() => ups >= times),
    whenFailed: (times = 1) => until(() => errors.length >= times),
  }
}
