import { setTimeout as sleep } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { ClientError } from '../errors.ts'
import { Channel, keyExchange, topicsOf } from './channel.ts'
import { DhKeyPair } from './dh-key-pair.ts'
import type { DhParameters } from './dh-parameters.ts'
import { openFernet, sealFernet } from './fernet.ts'

/** What is asked of a responder. */
export interface SecureRequest {
  readonly netId: string
  readonly action: string
  readonly message: string
  readonly parameters: DhParameters
  readonly timeoutMs: number
  /** Gets a line for each step. */
  readonly say: (line: string) => void
}

/**
 * Responses go to everybody who asks below the same NETID. So the first key that comes may be for another client, and
 * the request goes out again under each that comes; more than these are somebody's flood.
 */
const maxKeys = 8

/** One request, from the key exchange to the answer. */
class SecureExchange {
  readonly answer: Promise<string>
  /** Why a response was of no use: the reason to give when no other one comes. */
  problem: ClientError | undefined
  readonly #request: SecureRequest
  readonly #channel: Channel
  readonly #keyPair: DhKeyPair
  /** Fernet key by public key of the responder. */
  readonly #keys = new Map<string, Uint8Array>()
  readonly #sent = new Set<string>()
  #answered: (answer: string) => void = () => {}

  constructor(client: MqttClient, request: SecureRequest) {
    this.#request = request
    this.#keyPair = new DhKeyPair(request.parameters)
    const { netId, action } = request
    this.#channel = new Channel(client, (topic, text) => {
      if (topic === topicsOf(netId, keyExchange).response) this.#onKey(text)
      else if (topic === topicsOf(netId, action).response) this.#onAnswer(text)
    })
    const answered = new Promise<string>((resolve) => {
      this.#answered = resolve
    })
    this.answer = Promise.race([answered, this.#channel.failed])
    this.answer.catch(() => {})
  }

  async begin(): Promise<void> {
    const { netId, action, say } = this.#request
    const exchange = topicsOf(netId, keyExchange)
    await this.#channel.subscribe([exchange.response, topicsOf(netId, action).response])
    say(`public key to ${exchange.request}`)
    this.#channel.send(exchange.request, this.#keyPair.publicPem)
  }

  #onKey(publicPem: string): void {
    const { netId, action, message, say } = this.#request
    if (this.#keys.has(publicPem) || this.#keys.size === maxKeys) return
    let key: Uint8Array
    try {
      key = this.#keyPair.fernetKeyWith(publicPem)
    } catch (error) {
      this.#note(error)
      return
    }
    this.#keys.set(publicPem, key)
    const token = sealFernet(key, Buffer.from(message), Date.now())
    this.#sent.add(token)
    const { request } = topicsOf(netId, action)
    say(`a public key came; request to ${request}`)
    this.#channel.send(request, token)
  }

  #onAnswer(token: string): void {
    // What is ours comes back as an answer only when somebody sends it there.
    if (this.#sent.has(token)) return
    for (const key of this.#keys.values()) {
      try {
        this.#answered(textOf(openFernet(key, token, Date.now())))
        return
      } catch (error) {
        // Another client's answer, or under another one of our keys.
        if (!(error instanceof ClientError)) throw error
        // Nobody but the responder makes what verifies: no better answer is to come.
        if (error.code === 'ERR_FERNET_TIME') throw error
        if (error.code !== 'ERR_FERNET_MAC') this.#note(error)
      }
    }
    this.#request.say('an answer came that is for somebody else')
  }

  #note(error: unknown): void {
    if (!(error instanceof ClientError)) throw error
    this.problem = error
    this.#request.say(error.message)
  }
}

/**
 * Agrees on a key with the responder of a NETID, sends one request and waits for the answer.
 * @throws {ClientError} ERR_TIMEOUT, ERR_CONNECTION, ERR_REFUSED; when nothing else came: ERR_DH_PUBLIC_KEY,
 * ERR_FERNET_MALFORMED, ERR_FERNET_TIME
 */
export async function askResponder(client: MqttClient, request: SecureRequest): Promise<string> {
  const exchange = new SecureExchange(client, request)
  const waiting = new AbortController()
  try {
    await exchange.begin()
    const { timeoutMs, netId, action } = request
    const timeout = sleep(timeoutMs, undefined, { signal: waiting.signal }).then(() => {
      const silence = `no answer to ${topicsOf(netId, action).request} within ${timeoutMs / 1000} s`
      throw exchange.problem ?? new ClientError('ERR_TIMEOUT', `${silence}: is a responder there?`)
    })
    return await Promise.race([exchange.answer, timeout])
  } finally {
    waiting.abort()
  }
}

/** @throws {ClientError} ERR_FERNET_MALFORMED when it is not text */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new ClientError('ERR_FERNET_MALFORMED', 'what a token holds is not UTF-8', {}, cause)
  }
}
