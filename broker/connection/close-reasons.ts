import type { CloseReason } from '../edge/edge-handler.ts'

/** The end of "Client ID ..." in the log, in Mosquitto's words where it has any. */
export function describeClose(reason: CloseReason, hasLeft: boolean): string {
  if (reason === 'keep-alive') return 'has exceeded timeout, disconnecting'
  if (reason === 'closed-by-peer') return 'closed its connection'
  if (reason === 'ended') return hasLeft ? 'disconnected' : 'was disconnected by the broker'
  if (reason.code === 'ERR_MQTT_MALFORMED_PACKET') return `disconnected due to malformed packet (${reason.message})`
  return `disconnected due to ${reason.code}: ${reason.message}`
}
