import type { MqttClient } from 'mqtt'
import {
  type AdminMethod,
  type AdminMethods,
  type AuditProgress,
  adminResponseTopic,
  type JsonRpcResponse,
  requestTopic,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { parseAnswer } from './admin-answer.ts'
import { type ConnectionFlags, connect } from './connection.ts'
import { printable } from './printable.ts'

const answerTimeoutMs = 30_000
/** For what looks at, or writes, the whole of a long chain. */
export const longAnswerTimeoutMs = 3_600_000

/** Asks a live broker over its admin topic: one request at a time. */
export class AdminClient {
  readonly #client: MqttClient
  #nextId = 1

  private constructor(client: MqttClient) {
    this.#client = client
  }

  /**
   * @param maxPacketBytes see {@link connect}
   * @throws {ClientError} ERR_USAGE, ERR_CONNECTION, ERR_REFUSED
   */
  static async connect(flags: ConnectionFlags, maxPacketBytes?: number): Promise<AdminClient> {
    const client = await connect(flags, maxPacketBytes)
    try {
      await client.subscribeAsync(adminResponseTopic(client.options.clientId as string), { qos: 0 })
    } catch (cause) {
      await client.endAsync(true)
      throw new ClientError('ERR_REFUSED', 'the broker has no admin topic for this client', {}, cause)
    }
    return new AdminClient(client)
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
      throw new ClientError('ERR_ADMIN', printable(message), { cause: data?.cause })
    }
    return response.result as AdminMethods[M]['result']
  }

  get isConnected(): boolean {
    return this.#client.connected
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
      const onMessage = (_topic: string, payload: Buffer) => {
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
