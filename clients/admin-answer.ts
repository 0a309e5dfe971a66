import type { JsonRpcNotification, JsonRpcResponse } from '../protocol/index.ts'

/** What a broker sends on the admin response topic. */
export type AdminAnswer = JsonRpcResponse | JsonRpcNotification

/**
 * Reads an answer as far as every method has it: of a result nothing is known. Attacker-controlled, since whoever watches
 * or witnesses a log, or demands its proofs, does not trust its broker.
 * @returns undefined when it is none of JSON-RPC 2.0
 */
export function parseAnswer(payload: Uint8Array): AdminAnswer | undefined {
  const answer = objectOf(jsonOf(payload))
  if (answer === undefined) return undefined
  if ('method' in answer) return isNotification(answer) ? answer : undefined
  if (!isId(answer.id) && answer.id !== null) return undefined
  const isWhole = 'error' in answer ? typeof objectOf(answer.error)?.message === 'string' : 'result' in answer
  return isWhole ? (answer as unknown as JsonRpcResponse) : undefined
}

function isNotification(answer: object): answer is JsonRpcNotification {
  const params = 'params' in answer ? objectOf(answer.params) : undefined
  return isId(params?.id) && typeof params?.records === 'number' && typeof params.total === 'number'
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
