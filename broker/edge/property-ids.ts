/** Property identifiers. [MQTT-5.0 2.2.2.2] */
export const propertyId = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionIdentifier: 0x0b,
  sessionExpiryInterval: 0x11,
  assignedClientIdentifier: 0x12,
  serverKeepAlive: 0x13,
  authenticationMethod: 0x15,
  authenticationData: 0x16,
  requestProblemInformation: 0x17,
  willDelayInterval: 0x18,
  requestResponseInformation: 0x19,
  responseInformation: 0x1a,
  serverReference: 0x1c,
  reasonString: 0x1f,
  receiveMaximum: 0x21,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  maximumQos: 0x24,
  retainAvailable: 0x25,
  userProperty: 0x26,
  maximumPacketSize: 0x27,
} as const

/** A set of property identifiers, all of which are below 64: those below 32 in `low`, the others in `high`. */
export interface PropertySet {
  readonly low: number
  readonly high: number
}

function setOf(...ids: number[]): PropertySet {
  let low = 0
  let high = 0
  for (const id of ids) {
    if (id < 32) low |= 1 << id
    else high |= 1 << (id - 32)
  }
  return { low, high }
}

const id = propertyId
const message = [
  id.payloadFormatIndicator,
  id.messageExpiryInterval,
  id.contentType,
  id.responseTopic,
  id.correlationData,
  id.userProperty,
]

/** Which properties each packet that a client sends may carry. [MQTT-5.0 2.2.2.2] */
export const allowedProperties = {
  connect: setOf(
    id.sessionExpiryInterval,
    id.authenticationMethod,
    id.authenticationData,
    id.requestProblemInformation,
    id.requestResponseInformation,
    id.receiveMaximum,
    id.topicAliasMaximum,
    id.userProperty,
    id.maximumPacketSize,
  ),
  will: setOf(...message, id.willDelayInterval),
  publish: setOf(...message, id.subscriptionIdentifier, id.topicAlias),
  acknowledgement: setOf(id.reasonString, id.userProperty),
  subscribe: setOf(id.subscriptionIdentifier, id.userProperty),
  unsubscribe: setOf(id.userProperty),
  disconnect: setOf(id.sessionExpiryInterval, id.serverReference, id.reasonString, id.userProperty),
} as const
