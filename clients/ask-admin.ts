import type { MqttClient } from 'mqtt'
import { type AdminMethod, type AdminMethods, adminResponseTopic, requestTopic } from '../protocol/index.ts'
import { parseAnswer } from './admin-answer.ts'
import { askBroker } from './ask-broker.ts'
import { ClientError } from './errors.ts'

/** Ids of the requests made here begin with this, so that nobody takes their answers for his own. */
const idPrefix = 'notarymq-client-'
let requests = 0

/** Whether a message on the response topic of the admin service answers a request made by {@link askAdmin}. */
export function isAnswerToClient(message: Uint8Array): boolean {
  const id = idOf(message)
  return typeof id === 'string' && id.startsWith(idPrefix)
}

/**
 * Asks the admin service of a broker.
 * @throws {ClientError} ERR_ADMIN with the broker's message, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
 */
export async function askAdmin<M extends AdminMethod>(
  client: MqttClient,
  method: M,
  params: AdminMethods[M]['params'],
): Promise<AdminMethods[M]['result']> {
  const id = `${idPrefix}${++requests}`
  const answer = await askBroker(client, {
    requestTopic: requestTopic.admin,
    responseTopic: adminResponseTopic(client.options.clientId as string),
    payload: new TextEncoder().encode(JSON.stringify({ jsonrpc: '2.0', id, method, params })),
    isAnswer: (message) => idOf(message) === id,
  })
  const response = parseAnswer(answer)
  if (response === undefined || 'method' in response) {
    throw new ClientError('ERR_ADMIN', `${method}: the answer is none of JSON-RPC 2.0`)
  }
  if ('error' in response) throw new ClientError('ERR_ADMIN', `${method}: ${response.error.message}`)
  return response.result as AdminMethods[M]['result']
}

/** @returns undefined for what is no answer: JSON of another shape, or none */
function idOf(message: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(message))
    return typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
