import { reasonCode, returnCode } from '../edge/index.ts'

/** The Reason Code of MQTT 5 that says what a CONNACK return code of 3.1.1 says. [MQTT-3.1.1 3.2.2.3] */
export function reasonOfReturnCode(code: number): number {
  switch (code) {
    case returnCode.unacceptableProtocolVersion:
      return reasonCode.unsupportedProtocolVersion
    case returnCode.identifierRejected:
      return reasonCode.clientIdentifierNotValid
    case returnCode.serverUnavailable:
      return reasonCode.serverUnavailable
    case returnCode.badUserNameOrPassword:
      return reasonCode.badUserNameOrPassword
    default:
      return reasonCode.notAuthorized
  }
}
