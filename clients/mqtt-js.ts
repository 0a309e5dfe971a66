import mqtt from 'mqtt'

/** Values of MQTT.js by name: its module for browsers exports nothing but its default. */
export const { connect, ErrorWithReasonCode, ErrorWithSubackPacket } = mqtt
