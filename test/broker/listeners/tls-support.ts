import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { Authority } from '../../../broker/certificates/authority.ts'
import { parseHostName } from '../../../broker/certificates/names.ts'
import { BrokerError } from '../../../broker/errors.ts'
import type { ListenerOptions, TlsOptions } from '../../../broker/listeners/index.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

export interface Files {
  readonly directory: string
  readonly authority: Authority
  readonly certFile: string
  readonly keyFile: string
}

/** An authority and its server, as `notarymq certs` makes them. */
export async function makeFiles(t: TestContext, days = 60): Promise<Files> {
  const directory = temporaryDirectory(t)
  const authority = await Authority.open(directory)
  const hosts = ['localhost', '127.0.0.1'].map(parseHostName)
  const { certFile, keyFile } = await authority.issueServer(hosts, days, false)
  return { directory, authority, certFile, keyFile }
}

/** A listener that requires certificates of the authority. */
export function mutual(
  { certFile, keyFile, authority }: Files,
  more: Partial<TlsOptions> = {},
): Partial<ListenerOptions> {
  return { tls: { certFile, keyFile, caFile: authority.certFile, requireCertificate: true, ...more } }
}

/** Writes a file of the test. @returns its path */
export function put({ directory }: Files, name: string, content: string | Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

/** Whether a TLS client gets an answer. With TLS 1.3 a client's handshake is done before its certificate is judged. */
export async function isServed(port: number, options: ConnectionOptions): Promise<boolean> {
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  socket.on('error', () => {
    // An alert is an answer too; the close follows.
  })
  socket.write('x')
  try {
    return await new Promise((resolve) => {
      socket.once('data', () => resolve(true))
      socket.once('close', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}

export function isUnusable(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'ERR_TLS_UNUSABLE'
}
