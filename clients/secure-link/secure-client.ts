import { once } from 'node:events'
import { type ConnectionOptions, connect } from 'node:tls'
import { ClientError } from '../errors.ts'
import { checkMacKey, type LinkSettings, SecureLink } from './secure-link.ts'

/** Whom to connect to, and how it is known. */
export interface SecureClientOptions extends LinkSettings {
  readonly host: string
  readonly port: number
  /** Authorities of the server; where it asks for one, our certificate. What is not verified is not connected to. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase' | 'servername'>
}

const connectTimeoutMs = 10_000

/** The end of a secure link that connects. */
export class SecureClient extends SecureLink {
  /**
   * @throws {ClientError} ERR_CONNECTION: nobody is there, or its certificate does not verify; ERR_LINK_OPTIONS
   */
  static async connect({ host, port, tls, ...settings }: SecureClientOptions): Promise<SecureClient> {
    checkMacKey(settings.macKey)
    const options = { host, port, ...tls, rejectUnauthorized: true, allowHalfOpen: true }
    const socket = connect(options)
    try {
      await once(socket, 'secureConnect', { signal: AbortSignal.timeout(connectTimeoutMs) })
    } catch (cause) {
      socket.destroy()
      throw new ClientError('ERR_CONNECTION', `no secure link to ${host}:${port}: ${reasonOf(cause)}`, {}, cause)
    }
    return new SecureClient(socket, settings)
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
