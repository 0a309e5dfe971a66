import { usageError } from './command.ts'
import type { ConnectionFlags } from './connection.ts'

/** Whether a URL is that of a broker. */
export function isBrokerUrl(text: string): boolean {
  return /^mqtts?:/i.test(text)
}

/**
 * `mqtt://HOST[:PORT]` or `mqtts://HOST[:PORT]`.
 * @param cafile authorities of the broker's certificate; TLS needs it
 * @throws {ClientError} ERR_USAGE
 */
export function flagsOfUrl(text: string, cafile: string | undefined): ConnectionFlags {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isTls = url?.protocol === 'mqtts:'
  if (url === undefined || !(isTls || url.protocol === 'mqtt:') || url.hostname === '' || url.username !== '') {
    throw usageError('the URL of a broker is mqtt://HOST[:PORT] or mqtts://HOST[:PORT]')
  }
  if (isTls && cafile === undefined) throw usageError('mqtts:// needs --cafile')
  const port = url.port === '' ? (isTls ? '8883' : '1883') : url.port
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port, 'protocol-version': 'mqttv5', cafile: isTls ? cafile : undefined }
}
