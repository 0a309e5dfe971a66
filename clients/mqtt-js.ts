import mqtt from 'mqtt'

/** Values of MQTT.js by name: its module for browsers exports nothing but its default. */
export const { connect, ErrorWithReasonCode, ErrorWithSubackPacket } = mqtt

/** Whether a broker refused a subscription. MQTT.js tells of one that a lost connection cut off alike, but without a packet. */
export function isSubscriptionRefused(error: unknown): boolean {
  return error instanceof ErrorWithSubackPacket && error.packet !== undefined
}
