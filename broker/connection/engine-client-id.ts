import { createHash } from 'node:crypto'

/** [MQTT-5.0 1.5.4] */
const maxStringBytes = 65_535

/**
 * The name that the engine knows a client by: another one for each client id, and none that every JavaScript object has,
 * `__proto__` among them (engine row 1).
 */
export function engineClientId(clientId: string): string {
  const prefixed = `c:${clientId}`
  if (Buffer.byteLength(prefixed) <= maxStringBytes) return prefixed
  return `h:${createHash('sha256').update(clientId).digest('hex')}`
}
