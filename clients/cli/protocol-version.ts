import { usageError } from './command.ts'

/** The two options of MQTT.js that say which MQTT is spoken. */
export interface ProtocolVersion {
  readonly protocolVersion: 3 | 4 | 5
  readonly protocolId?: 'MQIsdp'
}

const mqtt31: ProtocolVersion = { protocolVersion: 3, protocolId: 'MQIsdp' }
const mqtt311: ProtocolVersion = { protocolVersion: 4 }
const mqtt5: ProtocolVersion = { protocolVersion: 5 }

/** Words of `-V`, as Mosquitto's clients have them. */
const versions: ReadonlyMap<string, ProtocolVersion> = new Map([
  ['mqttv31', mqtt31],
  ['31', mqtt31],
  ['mqttv311', mqtt311],
  ['311', mqtt311],
  ['mqttv5', mqtt5],
  ['5', mqtt5],
])

/** @throws {ClientError} ERR_USAGE */
export function protocolVersionOption(text: string): ProtocolVersion {
  const version = versions.get(text)
  if (version === undefined) throw usageError('-V takes mqttv31, mqttv311 or mqttv5')
  return version
}
