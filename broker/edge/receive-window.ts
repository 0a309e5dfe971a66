import { MqttError } from './errors.ts'

/** PUBLISHes with QoS 1 and 2 that a MQTT 5 client has in flight towards us. [MQTT-5.0 3.3.4-7, 4.9] */
export class ReceiveWindow {
  readonly #maximum: number
  readonly #packetIds = new Set<number>()

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** A PUBLISH came; one that was sent again counts once. @throws {MqttError} ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED */
  take(packetId: number): void {
    if (this.#packetIds.size >= this.#maximum && !this.#packetIds.has(packetId)) {
      throw new MqttError('ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED', `more than ${this.#maximum} publishes in flight`)
    }
    this.#packetIds.add(packetId)
  }

  /** Its PUBACK, PUBCOMP or refusing PUBREC is sent. */
  release(packetId: number): void {
    this.#packetIds.delete(packetId)
  }
}
