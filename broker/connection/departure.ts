import { type DisconnectPacket, reasonCode } from '../edge/index.ts'
import type { Departure } from '../sessions/sessions.ts'

/** How a client leaves, as far as is known: whoever says nothing has lost its connection. */
export class ClientDeparture {
  #hasLeft = false
  #isWillWanted = true
  #sessionExpiryIntervalSeconds: number | undefined

  /** A DISCONNECT came. */
  get hasLeft(): boolean {
    return this.#hasLeft
  }

  /** What becomes of the session. */
  get outcome(): Departure {
    return {
      publishWill: this.#isWillWanted,
      sessionExpiryIntervalSeconds: this.#sessionExpiryIntervalSeconds,
    }
  }

  /**
   * The client takes its leave.
   * @param connectExpirySeconds Session Expiry Interval of its CONNECT
   * @returns false: it wants to keep a session that was to end with the connection, which it may not [MQTT-5.0 3.14.2.2.2]
   */
  announce(packet: DisconnectPacket, connectExpirySeconds: number): boolean {
    const { reasonCode: code, sessionExpiryIntervalSeconds } = packet
    if (connectExpirySeconds === 0 && (sessionExpiryIntervalSeconds ?? 0) > 0) return false
    this.#sessionExpiryIntervalSeconds = sessionExpiryIntervalSeconds
    this.#hasLeft = true
    // [MQTT-5.0 3.1.2-8, 3.14.4-3]: any other code than success publishes it.
    this.#isWillWanted = code !== reasonCode.success
    return true
  }
}
