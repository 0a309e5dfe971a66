import type { CloseReason } from '../edge/edge-handler.ts'
import type { MqttErrorCode } from '../edge/index.ts'
import type { DepartureCause } from '../log/messages.ts'

const causes: Readonly<Partial<Record<MqttErrorCode, DepartureCause>>> = {
  ERR_MQTT_MALFORMED_PACKET: 'malformed-packet',
  ERR_MQTT_PACKET_TOO_LARGE: 'oversize-packet',
  ERR_MQTT_RETAIN_NOT_SUPPORTED: 'not-supported',
  ERR_MQTT_QOS_NOT_SUPPORTED: 'not-supported',
}

/** How the log calls the end of a connection. @param hasLeft the client sent a DISCONNECT */
export function departureCause(reason: CloseReason, hasLeft: boolean): DepartureCause {
  if (reason === 'keep-alive') return 'keep-alive'
  if (reason === 'closed-by-peer') return 'closed-connection'
  if (reason === 'ended') return hasLeft ? 'disconnected' : 'administrative'
  return causes[reason.code] ?? 'protocol-error'
}
