import { ErrorWithReasonCode, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { nobleCrypto, rejectedTopic } from '../../../protocol/index.ts'
import { type ConnectionFlags, connect } from '../../cli/connection.ts'
import { ClientError } from '../../errors.ts'
import type { Keyring } from '../../keyring/keyring.ts'
import type { IncomingMessage } from '../../sdk/incoming-message.ts'
import { MessageReader } from '../../sdk/message-reader.ts'
import { parseRejected, type RejectedPublish } from '../../sdk/rejected.ts'

/** Milliseconds until a message that does not come is missed. */
const patienceMs = 10_000

/** Nothing is encrypted in this lab. */
const noCipher = { take: () => false, whenMade: async () => undefined }

/** One who takes part over MQTT: publishes, learns of refusals, and verifies what it receives. */
export class Party {
  readonly client: MqttClient
  readonly #reader: MessageReader
  /** In the order in which they came: verifying one takes its time. */
  readonly #messages: Promise<IncomingMessage | undefined>[] = []
  #refused: RejectedPublish[] = []
  #onMessage: (() => void) | undefined

  private constructor(client: MqttClient, keyring: Keyring) {
    this.client = client
    this.#reader = new MessageReader({ keyring, cipher: noCipher, crypto: nobleCrypto })
    client.on('message', (topic, payload, packet) => {
      if (topic === rejectedTopic(this.clientId)) {
        const refused = parseRejected(payload)
        if (refused !== undefined) this.#refused.push(refused)
      } else if (!topic.startsWith('$')) this.#messages.push(this.#reader.read(topic, payload, packet))
      this.#onMessage?.()
    })
    // What it means shows at the next wait.
    client.on('close', () => this.#onMessage?.())
  }

  /** @throws {ClientError} ERR_USAGE, ERR_CONNECTION */
  static async connect(flags: ConnectionFlags, keyring: Keyring): Promise<Party> {
    const party = new Party(await connect(flags), keyring)
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
  async receive(): Promise<IncomingMessage> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      const next = await this.#messages.shift()
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
