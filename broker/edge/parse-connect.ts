import { MqttError, malformed, protocolError } from './errors.ts'
import { checkFlags } from './fixed-header.ts'
import { type ConnectPacket, type ProtocolVersion, packetType, type QoS, type Will } from './packets.ts'
import { PropertyValues, readProperties } from './properties.ts'
import { allowedProperties } from './property-ids.ts'
import { checkTopicName } from './topic-names.ts'
import { WireReader } from './wire-reader.ts'

/** Of the protocol level. */
const bridgeBit = 0x80
/** Session Expiry Interval that never ends. [MQTT-5.0 3.1.2.11.2] */
const never = 0xffffffff

const connectFlag = {
  reserved: 0x01,
  cleanStart: 0x02,
  will: 0x04,
  willRetain: 0x20,
  password: 0x40,
  username: 0x80,
} as const

/**
 * Parses a CONNECT of MQTT 3.1, 3.1.1 or 5. [MQTT-5.0 3.1], [MQTT-3.1.1 3.1]
 *
 * All binary values are views of one copy of the body, so that a session does not keep the chunk it came in.
 * `details.protocolVersion` of an error is the version asked for, so that the caller can answer with the CONNACK of that
 * version; undefined when the bytes do not say one.
 * @throws {MqttError} ERR_MQTT_MALFORMED_PACKET, ERR_MQTT_PROTOCOL_ERROR, ERR_MQTT_TOPIC_NAME_INVALID;
 *   ERR_MQTT_UNSUPPORTED_VERSION, for which Mosquitto sends return code 1 whatever the level, and nothing at all when
 *   the name is no name of MQTT; ERR_MQTT_CLIENT_ID_INVALID before MQTT 5 only, return code 2 [MQTT-3.1.1 3.1.3-8]
 */
export function parseConnect(flags: number, body: Buffer): ConnectPacket {
  const reader = new WireReader(Buffer.from(body))
  const { protocolVersion, isBridge } = readVersion(reader)
  try {
    return { ...readConnect(reader, flags, protocolVersion), isBridge }
  } catch (error) {
    if (!(error instanceof MqttError)) throw error
    throw new MqttError(error.code, error.message, { ...error.details, protocolVersion })
  }
}

function readConnect(
  reader: WireReader,
  flags: number,
  protocolVersion: ProtocolVersion,
): Omit<ConnectPacket, 'isBridge'> {
  checkFlags(packetType.connect, flags, protocolVersion)
  const connectFlags = reader.byte()
  checkConnectFlags(connectFlags, protocolVersion)
  const cleanStart = (connectFlags & connectFlag.cleanStart) !== 0
  const keepAliveSeconds = reader.uint16()
  const properties =
    protocolVersion === 5 ? readProperties(reader, allowedProperties.connect) : propertiesBefore5(cleanStart)
  // [MQTT-5.0 3.1.2.11.10]
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw protocolError('authentication data without method')
  }

  const clientId = reader.string()
  // [MQTT-3.1.1 3.1.3-8]; MQTT 3.1 has no empty client ids at all.
  if (clientId === '' && (protocolVersion === 3 || (protocolVersion === 4 && !cleanStart))) {
    throw new MqttError('ERR_MQTT_CLIENT_ID_INVALID', 'an empty client id')
  }
  const will = (connectFlags & connectFlag.will) === 0 ? undefined : readWill(reader, connectFlags, protocolVersion)
  // In MQTT 3.1 a packet that ends here is valid whatever the flags say: clients of older versions do it (3.1, CONNECT).
  const mayEnd = protocolVersion === 3
  const hasUsername = (connectFlags & connectFlag.username) !== 0 && !(mayEnd && reader.isAtEnd)
  const username = hasUsername ? reader.string() : undefined
  const hasPassword = (connectFlags & connectFlag.password) !== 0 && !(mayEnd && reader.isAtEnd)
  const password = hasPassword ? reader.binary() : undefined
  reader.finish()

  return {
    protocolVersion,
    clientId,
    cleanStart,
    keepAliveSeconds,
    username,
    password,
    will,
    sessionExpiryIntervalSeconds: properties.sessionExpiryInterval ?? 0,
    receiveMaximum: properties.receiveMaximum ?? 65_535,
    maximumPacketSize: properties.maximumPacketSize,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    requestResponseInformation: properties.requestResponseInformation ?? false,
    requestProblemInformation: properties.requestProblemInformation ?? true,
    authenticationMethod: properties.authenticationMethod,
    authenticationData: properties.authenticationData,
    userProperties: properties.userProperties,
  }
}

/** Protocol Name and level. [MQTT-5.0 3.1.2-1], [MQTT-5.0 3.1.2-2]; MQIsdp and 3 in MQTT 3.1. */
function readVersion(reader: WireReader): { readonly protocolVersion: ProtocolVersion; readonly isBridge: boolean } {
  const name = reader.binary().toString('latin1')
  const isOldName = name === 'MQIsdp'
  if (!isOldName && name !== 'MQTT') throw unsupported(undefined)
  const level = reader.byte()
  // Bridges of Mosquitto set the top bit, in the versions that have no No Local.
  const isBridge = (level & bridgeBit) !== 0
  const version = level & ~bridgeBit
  if (isOldName ? version === 3 : version === 4 || (version === 5 && !isBridge)) {
    return { protocolVersion: version as ProtocolVersion, isBridge }
  }
  // Told in the form of the version below that bit, which even a bridge understands.
  throw unsupported(version)
}

function unsupported(protocolVersion: number | undefined): MqttError {
  return new MqttError('ERR_MQTT_UNSUPPORTED_VERSION', 'not MQTT 3.1, 3.1.1 or 5', { protocolVersion })
}

function checkConnectFlags(flags: number, version: ProtocolVersion): void {
  const willQos = (flags >> 3) & 3
  // [MQTT-5.0 3.1.2-12], [MQTT-3.1.1 3.1.2-14]
  if (willQos === 3 && (version !== 3 || (flags & connectFlag.will) !== 0)) throw malformed('will QoS 3')
  // [MQTT-3.1.1 3.1.2-22]; MQTT 5 allows it (3.1.2.9).
  if (version !== 5 && (flags & (connectFlag.username | connectFlag.password)) === connectFlag.password) {
    throw malformed('a password without username')
  }
  // What follows is unused in MQTT 3.1, not reserved.
  if (version === 3) return
  // [MQTT-5.0 3.1.2-3], [MQTT-3.1.1 3.1.2-3]
  if ((flags & connectFlag.reserved) !== 0) throw malformed('the reserved bit of the connect flags')
  // [MQTT-5.0 3.1.2-11], [MQTT-5.0 3.1.2-13]
  if ((flags & connectFlag.will) === 0 && (willQos !== 0 || (flags & connectFlag.willRetain) !== 0)) {
    throw malformed('will QoS or retain without will')
  }
}

/** Before MQTT 5 a session without Clean Session never ends. [MQTT-3.1.1 3.1.2.4] */
function propertiesBefore5(cleanSession: boolean): PropertyValues {
  const values = new PropertyValues()
  values.sessionExpiryInterval = cleanSession ? 0 : never
  return values
}

function readWill(reader: WireReader, connectFlags: number, version: ProtocolVersion): Will {
  const values = version === 5 ? readProperties(reader, allowedProperties.will) : new PropertyValues()
  const topic = reader.string()
  checkTopicName(topic)
  return {
    topic,
    payload: reader.binary(),
    qos: ((connectFlags >> 3) & 3) as QoS,
    retain: (connectFlags & connectFlag.willRetain) !== 0,
    properties: values.messageProperties(),
    delayIntervalSeconds: values.willDelayInterval ?? 0,
  }
}
