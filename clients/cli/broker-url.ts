import { readFileSync, statSync } from 'node:fs'
import { usageError } from './command.ts'
import type { ConnectionFlags } from './connection.ts'

/** Lines of `URL USERNAME PASSWORD`; a file of more is none. */
const maxLoginBytes = 64 * 1024

/** What a client says of itself to one broker. */
export type Login = Required<Pick<ConnectionFlags, 'username' | 'pw'>>

/**
 * Logins for brokers by their URLs, which stand on no command line: of a file, or else of NOTARYMQ_LOGIN. One line for each
 * URL, `URL USERNAME PASSWORD`; the password goes to the end of the line.
 * @throws {ClientError} ERR_USAGE
 */
export function readLogins(path: string | undefined): ReadonlyMap<string, Login> {
  const text = path === undefined ? process.env.NOTARYMQ_LOGIN : readLoginFile(path)
  const lines = (text ?? '').split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(readLogin))
}

function readLoginFile(path: string): string {
  try {
    if (statSync(path).size <= maxLoginBytes) return readFileSync(path, 'utf8')
  } catch (cause) {
    throw usageError(`cannot read ${path}`, cause)
  }
  throw usageError(`${path} is too large for logins`)
}

/** Nothing of a line that is wrong is repeated: it may hold a password. */
function readLogin(line: string): [url: string, Login] {
  const [, url, username, pw] = /^(\S+) (\S+) (.+)$/.exec(line) ?? []
  if (url === undefined || username === undefined || pw === undefined) {
    throw usageError('a line of logins is URL USERNAME PASSWORD')
  }
  return [url, { username, pw }]
}

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
