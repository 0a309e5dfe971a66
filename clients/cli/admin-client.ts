import type { MqttClient } from 'mqtt'
import {
  type AdminMethod,
  type AdminMethods,
  type AuditProgress,
  adminErrors,
  adminResponseTopic,
  type JsonRpcResponse,
  requestTopic,
} from '../../protocol/index.ts'
import { parseAnswer } from '../admin-answer.ts'
import { ClientError } from '../errors.ts'
import { type ConnectionFlags, connect } from './connection.ts'
import { printable } from './printable.ts'

const answerTimeoutMs = 30_000
/** For what looks at, or writes, the whole of a long chain. */
export const longAnswerTimeoutMs = 3_600_000

/** Asks a live broker over its admin topic: one request at a time. */
export class AdminClient {
  readonly #client: MqttClient
  readonly #answerTopic: string
  readonly #ending = new AbortController()
  #nextId = 1

  private constructor(client: MqttClient, answerTopic: string) {
    this.#client = client
    this.#answerTopic = answerTopic
    client.once('close', () => this.#ending.abort())
  }

  /**
   * @param maxPacketBytes see {@link connect}
   * @throws {ClientError} ERR_USAGE, ERR_CONNECTION, ERR_REFUSED
   */
  static async connect(flags: ConnectionFlags, maxPacketBytes?: number): Promise<AdminClient> {
    const client = await connect(flags, maxPacketBytes)
    const answerTopic = adminResponseTopic(client.options.clientId as string)
    try {
      await client.subscribeAsync(answerTopic, { qos: 0 })
    } catch (cause) {
      await client.endAsync(true)
      throw new ClientError('ERR_REFUSED', 'the broker has no admin topic for this client', {}, cause)
    }
    return new AdminClient(client, answerTopic)
  }

  /**
   * @param timeoutMs how long the answer may take
   * @param onProgress told how far the answer is
   * @throws {ClientError} ERR_ADMIN with the broker's message and its `cause`, ERR_TIMEOUT, ERR_CONNECTION
   */
  async request<M extends AdminMethod>(
    method: M,
    params: AdminMethods[M]['params'],
    timeoutMs = answerTimeoutMs,
    onProgress?: (progress: AuditProgress) => void,
  ): Promise<AdminMethods[M]['result']> {
    const id = this.#nextId++
    const request = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    const response = await this.#answerTo(
      id,
      timeoutMs,
      () => this.#client.publishAsync(requestTopic.admin, request, { qos: 1 }),
      onProgress,
    )
    if ('error' in response) {
      const { message, data } = response.error
      // The word is attacker-controlled as well.
      const known = Object.keys(adminErrors).find((word) => word === data?.cause)
      throw new ClientError('ERR_ADMIN', printable(message), { cause: known })
    }
    return response.result as AdminMethods[M]['result']
  }

  /**
   * Subscribes to another topic beside the answers, until the connection ends.
   * @returns false when the broker refuses it to this client
   * @throws {ClientError} ERR_CONNECTION
   */
  async hear(topic: string, onMessage: (payload: Uint8Array) => void): Promise<boolean> {
    this.#client.on('message', (of, payload) => {
      if (of === topic) onMessage(payload)
    })
    try {
      await this.#client.subscribeAsync(topic, { qos: 0 })
      return true
    } catch (cause) {
      if (this.isConnected) return false
      throw new ClientError('ERR_CONNECTION', 'the connection ended', {}, cause)
    }
  }

  get isConnected(): boolean {
    return this.#client.connected
  }

  /** Aborted when the connection ends. */
  get ended(): AbortSignal {
    return this.#ending.signal
  }

  async close(): Promise<void> {
    await this.#client.endAsync()
  }

  /** Listens first, then asks: the answer may be there before the acknowledgement. */
  #answerTo(
    id: number,
    timeoutMs: number,
    ask: () => Promise<unknown>,
    onProgress?: (progress: AuditProgress) => void,
  ): Promise<JsonRpcResponse> {
    const client = this.#client
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        client.removeListener('message', onMessage)
        client.removeListener('close', onClose)
      }
      const onMessage = (topic: string, payload: Buffer) => {
        if (topic !== this.#answerTopic) return
        const answer = parseAnswer(payload)
        if (answer === undefined) {
          end()
          reject(new ClientError('ERR_ADMIN', 'the answer is none of JSON-RPC 2.0'))
          return
        }
        if ('method' in answer) {
          if (answer.params.id === id) onProgress?.(answer.params)
          return
        }
        if (answer.id !== id && answer.id !== null) return
        end()
        resolve(answer)
      }
      const onClose = () => {
        end()
        reject(new ClientError('ERR_CONNECTION', 'the connection closed before the answer came'))
      }
      const timer = setTimeout(() => {
        end()
        reject(new ClientError('ERR_TIMEOUT', `no answer within ${timeoutMs / 1000} s`))
      }, timeoutMs)
      client.on('message', onMessage)
      client.on('close', onClose)
      ask().catch((cause: unknown) => {
        end()
        reject(new ClientError('ERR_REFUSED', 'the broker refused the request', {}, cause))
      })
    })
  }
}

/** Connects, lets `use` ask, and closes, whatever happens. */
export async function withAdminClient<T>(flags: ConnectionFlags, use: (admin: AdminClient) => Promise<T>): Promise<T> {
  const admin = await AdminClient.connect(flags)
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}
