import { ErrorWithReasonCode, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { rejectedTopic } from '../../../protocol/index.ts'
import { type ConnectionFlags, connect } from '../../cli/connection.ts'
import { ClientError } from '../../errors.ts'
import type { LabMessage, TrustedKeys } from './trusted-keys.ts'

/** Milliseconds until a message that does not come is missed. */
const patienceMs = 10_000

/** What the broker tells of a publish that it refused. */
interface Refused {
  readonly topic: string
  readonly qos: number
  readonly cause: string
}

/** One who takes part over MQTT: publishes, learns of refusals, and verifies what it receives. */
export class Party {
  readonly client: MqttClient
  readonly #trusted: TrustedKeys
  /** In the order in which they came: verifying one takes its time. */
  readonly #messages: Promise<LabMessage>[] = []
  #refused: Refused[] = []
  #onMessage: (() => void) | undefined

  private constructor(client: MqttClient, trusted: TrustedKeys) {
    this.client = client
    this.#trusted = trusted
    client.on('message', (topic, payload, packet) => {
      if (topic === rejectedTopic(this.clientId)) this.#refused.push(JSON.parse(payload.toString()) as Refused)
      else if (!topic.startsWith('$')) this.#messages.push(this.#trusted.open(topic, payload, packet))
      this.#onMessage?.()
    })
    // What it means shows at the next wait.
    client.on('close', () => this.#onMessage?.())
  }

  /** @throws {ClientError} ERR_USAGE, ERR_CONNECTION */
  static async connect(flags: ConnectionFlags, trusted: TrustedKeys): Promise<Party> {
    const party = new Party(await connect(flags), trusted)
    await party.subscribe(rejectedTopic(party.clientId), 0)
    return party
  }

  get clientId(): string {
    return this.client.options.clientId as string
  }

  /** @throws {ClientError} ERR_REFUSED */
  async subscribe(filter: string, qos: 0 | 2): Promise<void> {
    try {
      await this.client.subscribeAsync(filter, { qos })
    } catch (cause) {
      throw new ClientError('ERR_REFUSED', `not subscribed to ${filter}`, {}, cause)
    }
  }

  /**
   * Publishes, one message at a time. The broker tells of a refusal before it acknowledges, in every version of MQTT.
   * @returns the cause of the refusal; undefined: it was accepted, or has QoS 0
   */
  async publish(topic: string, payload: Uint8Array, options: IClientPublishOptions): Promise<string | undefined> {
    this.#refused = []
    try {
      await this.client.publishAsync(topic, Buffer.from(payload), options)
    } catch (cause) {
      if (!(cause instanceof ErrorWithReasonCode)) {
        throw new ClientError('ERR_CONNECTION', 'the connection broke before the acknowledgement', {}, cause)
      }
    }
    return this.#refused.find((refused) => refused.topic === topic && refused.qos === options.qos)?.cause
  }

  /** The next message. @throws {ClientError} ERR_TIMEOUT, ERR_CONNECTION */
  async receive(): Promise<LabMessage> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      const next = this.#messages.shift()
      if (next !== undefined) return next
      if (!this.client.connected) throw new ClientError('ERR_CONNECTION', 'the connection ended, waiting for a message')
      if (Date.now() >= deadline) throw new ClientError('ERR_TIMEOUT', `no message within ${patienceMs / 1000} s`)
      await this.#change(deadline - Date.now())
    }
  }

  async close(): Promise<void> {
    await this.client.endAsync()
  }

  #change(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#onMessage = () => {
        clearTimeout(timer)
        this.#onMessage = undefined
        resolve()
      }
    })
  }
}
