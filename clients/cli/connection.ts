import type { MqttClient } from 'mqtt'
import { withoutUndefined } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { failureText } from '../failure-text.ts'
import { integerOption } from './command.ts'
import { readGivenFile } from './given-file.ts'
import { protocolVersionOption } from './protocol-version.ts'

/** Flags of every command that talks to a broker; the same as mosquitto_pub's. */
export const connectionOptions = {
  host: { type: 'string', short: 'h', default: 'localhost' },
  port: { type: 'string', short: 'p', default: '1883' },
  id: { type: 'string', short: 'i' },
  'protocol-version': { type: 'string', short: 'V', default: 'mqttv5' },
  username: { type: 'string', short: 'u' },
  pw: { type: 'string', short: 'P' },
  cafile: { type: 'string' },
} as const

export const connectionHelp = `  -h, --host HOST               broker (default localhost)
  -p, --port PORT               TCP port (default 1883)
  -i, --id ID                   client id (default: made up)
  -u, --username NAME           username, and with -P, --pw PASSWORD its password
      --cafile FILE             TLS: authorities of the broker's certificate, PEM`

export interface ConnectionFlags {
  readonly host: string
  readonly port: string
  readonly id?: string | undefined
  readonly 'protocol-version': string
  readonly username?: string | undefined
  readonly pw?: string | undefined
  readonly cafile?: string | undefined
}

const timeoutMs = 10_000

/**
 * Connects once, without retrying: a command that cannot reach its broker says so.
 * @param maxPacketBytes longest packet that is taken: the broker is told, and a longer one ends the connection. Default: any
 * @throws {ClientError} ERR_USAGE, ERR_CONNECTION
 */
export async function connect(flags: ConnectionFlags, maxPacketBytes?: number): Promise<MqttClient> {
  const version = protocolVersionOption(flags['protocol-version'])
  const port = integerOption('-p', flags.port, 1, 65535) as number
  const tls = flags.cafile === undefined ? undefined : { ca: readGivenFile(flags.cafile) }
  const url = `${tls === undefined ? 'mqtt' : 'mqtts'}://${flags.host.includes(':') ? `[${flags.host}]` : flags.host}:${port}`
  const clientId = flags.id ?? `notarymq-${Math.random().toString(36).slice(2, 12)}`
  const { connectAsync } = await import('./mqtt-js.ts')
  try {
    // Without the last argument it would wait for ever and retry instead of failing.
    const client = await connectAsync(
      url,
      {
        clientId,
        clean: true,
        connectTimeout: timeoutMs,
        reconnectPeriod: 0,
        ...version,
        ...loginOf(flags),
        ...tls,
        ...(maxPacketBytes === undefined ? undefined : { properties: { maximumPacketSize: maxPacketBytes } }),
      },
      false,
    )
    // After bytes that are no packet MQTT.js keeps the connection and reads no more of it. Who waits learns of its end.
    client.on('error', () => client.stream.destroy())
    if (maxPacketBytes !== undefined) boundPackets(client, maxPacketBytes)
    return client
  } catch (cause) {
    const why = failureText(cause)
    throw new ClientError('ERR_CONNECTION', `cannot connect to ${flags.host}:${port}: ${why}`, {}, cause)
  }
}

/** The parser collects a packet whole, however long it says that it is. */
function boundPackets(client: MqttClient, maxPacketBytes: number): void {
  let bytes = 0
  client.on('packetreceive', () => {
    bytes = 0
  })
  client.stream.on('data', (data: Uint8Array) => {
    bytes += data.length
    if (bytes > maxPacketBytes) client.stream.destroy()
  })
}

/** Whether the flags ask for MQTT 5. @throws {ClientError} ERR_USAGE */
export function isVersion5(flags: Pick<ConnectionFlags, 'protocol-version'>): boolean {
  return protocolVersionOption(flags['protocol-version']).protocolVersion === 5
}

/** `HOST:PORT`, as a broker is remembered by. */
export function brokerName({ host, port }: ConnectionFlags): string {
  return `${host}:${port}`
}

function loginOf({ username, pw }: ConnectionFlags): { username?: string; password?: string } {
  return withoutUndefined({ username, password: pw })
}
