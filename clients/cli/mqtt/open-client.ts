import type { Socket } from 'node:net'
import type { Packet } from 'mqtt'
import { connectAsync, type NotaryClient, type NotaryOptions } from '../../sdk/index.ts'
import type { Output } from '../command.ts'
import { printable } from '../printable.ts'
import type { Connection } from './connect-options.ts'
import type { MqttFlags } from './flags.ts'

/** How long to wait before connecting again, as Mosquitto's clients do. */
const reconnectMs = 1000

export interface ClientToOpen {
  readonly connection: Connection
  readonly flags: MqttFlags
  readonly trust: NotaryOptions
  /** Connects again when the connection is lost. */
  readonly staysConnected: boolean
}

/**
 * Connects as the flags say. The first connection is not tried again.
 * @throws {ClientError} what `connectAsync` throws
 */
export async function openClient(
  { connection, flags, trust, staysConnected }: ClientToOpen,
  output: Output,
): Promise<NotaryClient> {
  const reconnectPeriod = staysConnected ? reconnectMs : 0
  const client = await connectAsync(connection.url, { ...connection.options, reconnectPeriod, ...trust })
  if (flags.nodelay) noDelay(client)
  if (flags.debug) {
    client.on('packetsend', (packet) => output.error(`sending ${packetText(packet)}`))
    client.on('packetreceive', (packet) => output.error(`received ${packetText(packet)}`))
  }
  return client
}

function noDelay(client: NotaryClient): void {
  const apply = () => (client.mqtt.stream as Partial<Socket>).setNoDelay?.()
  apply()
  client.on('connect', apply)
}

/** What Mosquitto's clients show of a packet: never its payload. */
function packetText(packet: Packet): string {
  const name = packet.cmd.toUpperCase()
  if (packet.cmd === 'publish') {
    const { qos, retain, dup, topic, payload, messageId } = packet
    const flags = [dup ? 'd1' : 'd0', `q${qos}`, retain ? 'r1' : 'r0', `m${messageId ?? 0}`, `'${printable(topic)}'`]
    return `${name} (${flags.join(', ')}, ... (${payload.length} bytes))`
  }
  return packet.messageId === undefined ? name : `${name} (Mid: ${packet.messageId})`
}
