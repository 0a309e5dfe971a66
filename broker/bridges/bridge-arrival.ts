import type { Arrival, BridgeOrigin } from '../listeners/index.ts'
import type { TopicMaps } from './topic-map.ts'

/** What records call where a bridge's messages came in by. */
export function bridgeListenerName(name: string): string {
  return `bridge:${name}`
}

/** How the local end of a bridge comes in. The broker made it itself, so it needs no password. */
export interface BridgeArrival extends Arrival {
  readonly bridge: BridgeOrigin
}

/** @param isTls over the network: what may not leave without TLS may not leave by a bridge without */
export function bridgeArrival(name: string, isTls: boolean, maps: TopicMaps): BridgeArrival {
  return {
    // Nobody comes to a bridge from this machine: what is granted to loopback listeners is not granted to it.
    listener: { name: bridgeListenerName(name), port: 0, protocol: 'mqtt', isTls, isLoopback: false },
    bridge: { name, remoteTopicOf: (topic) => maps.origin.map(topic) },
    connected: () => {},
  }
}
