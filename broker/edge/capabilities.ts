import { MqttError } from './errors.ts'
import type { ConnectPacket, ProtocolVersion, PublishPacket, QoS } from './packets.ts'

/** What of MQTT a listener offers. */
export interface Capabilities {
  /** False: neither publishes nor wills may be retained. */
  readonly retainAvailable: boolean
  readonly maximumQos: QoS
  /** Versions of the protocol that are taken. */
  readonly protocolVersions: readonly ProtocolVersion[]
}

export const allCapabilities: Capabilities = { retainAvailable: true, maximumQos: 2, protocolVersions: [3, 4, 5] }

/**
 * Whether a CONNECT asks for what is not offered.
 * @throws {MqttError} ERR_MQTT_UNSUPPORTED_VERSION, ERR_MQTT_RETAIN_NOT_SUPPORTED, ERR_MQTT_QOS_NOT_SUPPORTED
 * [MQTT-5.0 3.2.2-12, 3.2.2-13]
 */
export function checkConnectOffered({ protocolVersion, will }: ConnectPacket, offered: Capabilities): void {
  const details = { protocolVersion }
  if (!offered.protocolVersions.includes(protocolVersion)) {
    throw new MqttError('ERR_MQTT_UNSUPPORTED_VERSION', 'a version that this listener does not take', details)
  }
  if (will !== undefined) checkOffered(will, offered, details)
}

/**
 * Whether a PUBLISH uses what is not offered.
 * @throws {MqttError} ERR_MQTT_RETAIN_NOT_SUPPORTED, ERR_MQTT_QOS_NOT_SUPPORTED [MQTT-5.0 3.2.2-11, 3.2.2-14]
 */
export function checkPublishOffered(packet: PublishPacket, offered: Capabilities): void {
  checkOffered(packet, offered, {})
}

function checkOffered(
  { qos, retain }: { readonly qos: QoS; readonly retain: boolean },
  { maximumQos, retainAvailable }: Capabilities,
  details: { readonly protocolVersion?: ProtocolVersion },
): void {
  if (qos > maximumQos) throw new MqttError('ERR_MQTT_QOS_NOT_SUPPORTED', `QoS ${qos} where ${maximumQos} is`, details)
  if (retain && !retainAvailable) {
    throw new MqttError('ERR_MQTT_RETAIN_NOT_SUPPORTED', 'retained where that is not offered', details)
  }
}
