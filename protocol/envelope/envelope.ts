import type { Sign1 } from '../cose/index.ts'
import type { HopMac } from './hop-mac.ts'
import type { PublishHeaders } from './publish-headers.ts'

/** A signed publish as it was found: parsed, neither its MAC nor its signature verified. Byte strings are views. */
export interface Envelope extends PublishHeaders {
  /** Where the COSE_Sign1 was: in the MQTT payload, or in the user property beside it [MQTT-5.0 3.3.2.3.7]. */
  readonly carrier: 'attached' | 'detached'
  /** Its payload is undefined in the detached carrier. */
  readonly sign1: Sign1
  /** The application payload, whichever carrier it was. */
  readonly payload: Uint8Array
  /** Undefined when the COSE_Sign1 came without a hop MAC. */
  readonly mac: HopMac | undefined
}

/** What a publisher signs over. */
export interface PublishToSign {
  /** Topic Name as the publisher means it. */
  readonly topic: string
  readonly payload: Uint8Array
  readonly seq: number
  readonly timeMs: number
}
