import type { MqttClient } from 'mqtt'
import { ClientError } from '../errors.ts'
import { actionNames, actions } from './actions.ts'
import { textOf } from './ask-responder.ts'
import { Channel, keyExchange, topicsOf } from './channel.ts'
import { DhKeyPair } from './dh-key-pair.ts'
import type { DhParameters } from './dh-parameters.ts'
import { openFernet, sealFernet } from './fernet.ts'

/** Where and how to respond. */
export interface ResponderSettings {
  readonly netId: string
  readonly parameters: DhParameters
  /** Gets a line for each step. */
  readonly say: (line: string) => void
}

/** Keys that are known at once: nothing in a request says whose it is, so that each is tried. */
const maxKeys = 64

/**
 * Answers key exchanges and requests below a NETID.
 *
 * It has one key pair as long as it runs: of two clients that ask at once each hears both responses, and can tell which
 * is its own only when they are the same.
 */
export class Responder {
  /** Rejects with ERR_CONNECTION or ERR_REFUSED when it cannot go on. */
  readonly failed: Promise<never>
  readonly #settings: ResponderSettings
  readonly #channel: Channel
  readonly #keyPair: DhKeyPair
  /** Fernet key by public key of the client, the oldest first. */
  readonly #keys = new Map<string, Uint8Array>()
  readonly #handlers: ReadonlyMap<string, (text: string) => void>

  private constructor(client: MqttClient, settings: ResponderSettings) {
    this.#settings = settings
    this.#keyPair = new DhKeyPair(settings.parameters)
    const { netId } = settings
    this.#handlers = new Map([
      [topicsOf(netId, keyExchange).request, (text: string) => this.#onKey(text)],
      ...actionNames.map((action) => {
        const { request, response } = topicsOf(netId, action)
        return [request, (token: string) => this.#onRequest(token, actions[action], response)] as const
      }),
    ])
    this.#channel = new Channel(client, (topic, text) => this.#handle(topic, text))
    this.failed = this.#channel.failed
  }

  /** Resolves when it listens. @throws {ClientError} ERR_REFUSED, ERR_CONNECTION */
  static async start(client: MqttClient, settings: ResponderSettings): Promise<Responder> {
    const responder = new Responder(client, settings)
    await responder.#channel.subscribe([...responder.#handlers.keys()])
    return responder
  }

  #handle(topic: string, text: string): void {
    try {
      this.#handlers.get(topic)?.(text)
    } catch (error) {
      // What strangers send ends nothing.
      if (!(error instanceof ClientError)) throw error
      this.#settings.say(`${topic}: ${error.message}`)
    }
  }

  #onKey(publicPem: string): void {
    const key = this.#keys.get(publicPem) ?? this.#keyPair.fernetKeyWith(publicPem)
    this.#keys.delete(publicPem)
    this.#keys.set(publicPem, key)
    const [oldest] = this.#keys.keys()
    if (this.#keys.size > maxKeys && oldest !== undefined) this.#keys.delete(oldest)
    const { response } = topicsOf(this.#settings.netId, keyExchange)
    this.#settings.say(`a public key came; ours to ${response}`)
    this.#channel.send(response, this.#keyPair.publicPem)
  }

  #onRequest(token: string, act: (text: string) => string, responseTopic: string): void {
    const { key, plaintext } = this.#opened(token)
    const answer = Buffer.from(act(textOf(plaintext)))
    this.#settings.say(`a request came; answer to ${responseTopic}`)
    this.#channel.send(responseTopic, sealFernet(key, answer, Date.now()))
  }

  /** By the newest key that opens it. @throws {ClientError} ERR_FERNET_* */
  #opened(token: string): { readonly key: Uint8Array; readonly plaintext: Uint8Array } {
    for (const key of [...this.#keys.values()].reverse()) {
      try {
        return { key, plaintext: openFernet(key, token, Date.now()) }
      } catch (error) {
        if (!(error instanceof ClientError) || error.code !== 'ERR_FERNET_MAC') throw error
      }
    }
    throw new ClientError('ERR_FERNET_MAC', 'a token by no key of the last exchanges')
  }
}
