/**
 * What one direction of a bridge remembers from connection to connection: whether the session that a message goes to may
 * hold packet ids from before the session that it comes from began. A new message with such an id would be taken for the
 * old one, and be lost; so the id is taken back first. [MQTT-5.0 4.3.3]
 */
export class PacketIdMemory {
  #isNeeded = false
  readonly #seen = new Set<number>()

  /** A connection was made. @param isSourcePresent the session that messages come from was there before */
  connected(isSourcePresent: boolean, isTargetPresent: boolean): void {
    if (!isTargetPresent) this.#isNeeded = false
    else if (!isSourcePresent) {
      this.#isNeeded = true
      this.#seen.clear()
    }
  }

  /** Whether this new QoS 2 message is the first of its packet id, and the id has to be taken back. */
  mustTakeBack(packetId: number): boolean {
    if (!this.#isNeeded || this.#seen.has(packetId)) return false
    this.#seen.add(packetId)
    return true
  }
}

export interface RelayMemory {
  /** From here to there. */
  readonly out: PacketIdMemory
  readonly in: PacketIdMemory
}
