/** Every Reason Code of MQTT 5 by its name in the standard. [MQTT-5.0 2.4] */
export const reasonCode = {
  success: 0x00,
  /** Success, in a DISCONNECT. */
  normalDisconnection: 0x00,
  /** Success, in a SUBACK. */
  grantedQos0: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWillMessage: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const

/** Return codes of a CONNACK before MQTT 5. [MQTT-3.1.1 3.2.2.3] */
export const returnCode = {
  accepted: 0,
  unacceptableProtocolVersion: 1,
  identifierRejected: 2,
  serverUnavailable: 3,
  badUserNameOrPassword: 4,
  notAuthorized: 5,
} as const

/** Return code in a SUBACK before MQTT 5 for a subscription that was refused. [MQTT-3.1.1 3.9.3] */
export const subackFailure = 0x80

const returnCodes: ReadonlyMap<number, number> = new Map([
  [reasonCode.success, returnCode.accepted],
  [reasonCode.unsupportedProtocolVersion, returnCode.unacceptableProtocolVersion],
  [reasonCode.clientIdentifierNotValid, returnCode.identifierRejected],
  [reasonCode.badUserNameOrPassword, returnCode.badUserNameOrPassword],
  [reasonCode.badAuthenticationMethod, returnCode.badUserNameOrPassword],
  [reasonCode.notAuthorized, returnCode.notAuthorized],
  [reasonCode.banned, returnCode.notAuthorized],
  [reasonCode.unspecifiedError, returnCode.serverUnavailable],
  [reasonCode.serverUnavailable, returnCode.serverUnavailable],
  [reasonCode.serverBusy, returnCode.serverUnavailable],
  [reasonCode.serverShuttingDown, returnCode.serverUnavailable],
  [reasonCode.quotaExceeded, returnCode.serverUnavailable],
  [reasonCode.useAnotherServer, returnCode.serverUnavailable],
  [reasonCode.serverMoved, returnCode.serverUnavailable],
  [reasonCode.connectionRateExceeded, returnCode.serverUnavailable],
])

/**
 * The CONNACK return code of MQTT 3.1 and 3.1.1 that says what a Reason Code says.
 * @returns undefined when there is none: then the connection is closed without a CONNACK [MQTT-3.1.1 3.2.2-6]
 */
export function toReturnCode(code: number): number | undefined {
  return returnCodes.get(code)
}
