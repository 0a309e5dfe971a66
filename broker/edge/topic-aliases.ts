import { MqttError, protocolError } from './errors.ts'

/** Topic aliases of a client. [MQTT-5.0 3.3.2.3.4] */
export class IncomingAliases {
  readonly #maximum: number
  readonly #topics = new Map<number, string>()

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /**
   * @param topic empty: the one that the alias stands for; else it stands for this from now on
   * @throws {MqttError} ERR_MQTT_TOPIC_ALIAS_INVALID above the maximum [MQTT-5.0 3.3.2-9]; ERR_MQTT_PROTOCOL_ERROR unknown
   */
  resolve(alias: number, topic: string): string {
    if (alias > this.#maximum) throw new MqttError('ERR_MQTT_TOPIC_ALIAS_INVALID', `topic alias ${alias}`)
    if (topic !== '') {
      this.#topics.set(alias, topic)
      return topic
    }
    const known = this.#topics.get(alias)
    if (known === undefined) throw protocolError(`topic alias ${alias} stands for nothing yet`)
    return known
  }
}

/** The alias of a topic towards a client, and whether the client learns it with this packet. */
export interface OutgoingAlias {
  readonly number: number
  readonly isNew: boolean
}

/** Aliases that we give: to the topics that a client is sent first. Never more than it admits. [MQTT-5.0 3.1.2-26] */
export class OutgoingAliases {
  readonly #maximum: number
  readonly #aliases = new Map<string, OutgoingAlias>()

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  for(topic: string): OutgoingAlias | undefined {
    const known = this.#aliases.get(topic)
    if (known !== undefined) return known
    if (this.#aliases.size >= this.#maximum) return undefined
    const number = this.#aliases.size + 1
    this.#aliases.set(topic, { number, isNew: false })
    return { number, isNew: true }
  }

  /** The packet that was to tell it was not sent. Only the newest one can be taken back. */
  forget(topic: string): void {
    this.#aliases.delete(topic)
  }
}
