import { type ProtocolVersion, packetType } from './packets.ts'
import { propertyId } from './property-ids.ts'
import { WireWriter } from './wire-writer.ts'

/** What the engine behind the edge is told of a client. */
export interface OutgoingConnect {
  readonly version: ProtocolVersion
  readonly clientId: string
  readonly cleanStart: boolean
  readonly username: string | undefined
  /** Before MQTT 5 only together with a username. [MQTT-3.1.1 3.1.2-22] */
  readonly password: Uint8Array | undefined
  /** MQTT 5 only, as what follows. */
  readonly authenticationMethod?: string | undefined
  readonly authenticationData?: Uint8Array | undefined
}

/**
 * Encodes a CONNECT without will and with Keep Alive 0. [MQTT-5.0 3.1], [MQTT-3.1.1 3.1]
 * @throws {MqttError} ERR_MQTT_STRING_TOO_LONG
 */
export function encodeConnect(connect: OutgoingConnect): Buffer {
  const { version, clientId, cleanStart, username, password } = connect
  const flags = (cleanStart ? 0x02 : 0) | (password === undefined ? 0 : 0x40) | (username === undefined ? 0 : 0x80)
  const writer = new WireWriter()
    .string(version === 3 ? 'MQIsdp' : 'MQTT')
    .byte(version)
    .byte(flags)
    .uint16(0)
  if (version === 5) writer.properties(connectProperties(connect))
  writer.string(clientId)
  if (username !== undefined) writer.string(username)
  if (password !== undefined) writer.binary(password)
  return writer.finishPacket(packetType.connect << 4)
}

function connectProperties(connect: OutgoingConnect): WireWriter {
  const { authenticationMethod, authenticationData } = connect
  const writer = new WireWriter()
  if (authenticationMethod !== undefined) writer.byte(propertyId.authenticationMethod).string(authenticationMethod)
  if (authenticationData !== undefined) writer.byte(propertyId.authenticationData).binary(authenticationData)
  return writer
}
