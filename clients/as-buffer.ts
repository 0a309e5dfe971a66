/** MQTT.js takes any Uint8Array as a payload, in browsers too, where there is no Buffer; its types know only that. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes as Buffer
}
