import { ErrorWithReasonCode, type MqttClient } from 'mqtt'
import { ClientError } from '../errors.ts'

/** Longest payload that is looked at: a text of 64 KiB whose letters became three times as long, as a token. */
export const maxPayloadBytes = 384 * 1024

export const keyExchange = 'key-exchange'

/** `<ns>/<service>/request` and `<ns>/<service>/response`, `<ns>` being the NETID. */
export function topicsOf(netId: string, service: string): { readonly request: string; readonly response: string } {
  return { request: `${netId}/${service}/request`, response: `${netId}/${service}/response` }
}

/** Gets and sends messages with QoS 1. */
export class Channel {
  /** Rejects with what `onMessage` threw, what broke a publish, or the end of the connection. */
  readonly failed: Promise<never>
  readonly #client: MqttClient
  #fail: (error: unknown) => void = () => {}

  /** @param onMessage gets text: what is longer than {@link maxPayloadBytes} is dropped */
  constructor(client: MqttClient, onMessage: (topic: string, text: string) => void) {
    this.#client = client
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    // Who waits for something else meanwhile learns of it when it waits for this.
    this.failed.catch(() => {})
    client.on('message', (topic: string, payload: Buffer) => {
      if (payload.length > maxPayloadBytes) return
      try {
        onMessage(topic, payload.toString())
      } catch (error) {
        this.#fail(error)
      }
    })
    client.on('close', () => this.#fail(new ClientError('ERR_CONNECTION', 'the connection to the broker was lost')))
  }

  /** @throws {ClientError} ERR_REFUSED, ERR_CONNECTION */
  async subscribe(topics: readonly string[]): Promise<void> {
    try {
      await this.#client.subscribeAsync([...topics], { qos: 1 })
    } catch (cause) {
      throw this.#failure(this.#client.connected, `subscribing to ${topics[0]}`, cause)
    }
  }

  /** Sends, without waiting for the acknowledgement: a refusal ends up in {@link failed}. */
  send(topic: string, text: string): void {
    this.#client.publishAsync(topic, text, { qos: 1 }).catch((cause: unknown) => {
      this.#fail(this.#failure(cause instanceof ErrorWithReasonCode, `publishing to ${topic}`, cause))
    })
  }

  #failure(isRefused: boolean, what: string, cause: unknown): ClientError {
    if (isRefused) return new ClientError('ERR_REFUSED', `the broker refused ${what}`, {}, cause)
    return new ClientError('ERR_CONNECTION', `the connection broke while ${what}`, {}, cause)
  }
}
