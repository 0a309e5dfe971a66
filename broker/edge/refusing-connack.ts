import { encodeConnack } from './encode.ts'
import type { MqttError } from './errors.ts'
import type { ProtocolVersion } from './packets.ts'
import { reasonCode, toReturnCode } from './reason-codes.ts'

/**
 * The CONNACK that refuses a client.
 * @param code Reason Code of MQTT 5; others get the return code nearest to it
 * @returns undefined where the version has no word for it
 */
export function refusingConnack(version: ProtocolVersion, code: number): Buffer | undefined {
  const said = version === 5 ? code : toReturnCode(code)
  return said === undefined ? undefined : encodeConnack(version, { sessionPresent: false, code: said })
}

/**
 * What a client is told whose CONNECT, or what came in its place, was no good. [MQTT-5.0 4.13.1], [MQTT-3.1.1 3.1.4-1]
 * @returns undefined: nothing
 */
export function violatingConnack(version: ProtocolVersion, error: MqttError): Buffer | undefined {
  const { reasonCode: code, details } = error
  if (version === 5 || details.protocolVersion === 5) return refusingConnack(5, code)
  // A version that we do not know is told in the form that all know, what is no MQTT nothing; of all else 3.1.1 closes
  // without a word.
  const isVersionTold = code === reasonCode.unsupportedProtocolVersion && details.protocolVersion !== undefined
  const isTold = isVersionTold || code === reasonCode.clientIdentifierNotValid
  return isTold ? refusingConnack(version, code) : undefined
}
