/** MQTT control packets as the edge reads and writes them. Fields are named as in the standard. */

/** Protocol level in CONNECT: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type ProtocolVersion = 3 | 4 | 5

export type QoS = 0 | 1 | 2

/** Control packet types. [MQTT-5.0 2.1.2] */
export const packetType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const

export type UserProperty = readonly [name: string, value: string]

/** Properties of an application message, which travel from publisher to subscriber. [MQTT-5.0 3.3.2.3] */
export interface MessageProperties {
  readonly payloadFormatIndicator?: 0 | 1
  /** Seconds. */
  readonly messageExpiryInterval?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Buffer
  /** In the order in which they were sent. [MQTT-5.0 3.3.2-18] */
  readonly userProperties?: readonly UserProperty[]
}

/** The Will of a CONNECT. [MQTT-5.0 3.1.3.2] */
export interface Will {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: MessageProperties | undefined
  /** Will Delay Interval, seconds. 0 before MQTT 5. */
  readonly delayIntervalSeconds: number
}

export interface ConnectPacket {
  readonly protocolVersion: ProtocolVersion
  /**
   * A bridge of Mosquitto, which says so before MQTT 5: it is not sent what it published, and RETAIN comes as published.
   */
  readonly isBridge: boolean
  /** Empty when the broker is to assign one. */
  readonly clientId: string
  /** Clean Start (5) or Clean Session (3.1, 3.1.1). */
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  readonly username: string | undefined
  readonly password: Buffer | undefined
  readonly will: Will | undefined
  /** Session Expiry Interval, seconds; 0xFFFFFFFF never. Before MQTT 5: 0 with Clean Session, else never. */
  readonly sessionExpiryIntervalSeconds: number
  /** Receive Maximum of the client: PUBLISHes with QoS 1 and 2 that we may have in flight. 65535 when absent. */
  readonly receiveMaximum: number
  /** Maximum Packet Size of the client in bytes; undefined: no limit but the protocol's. */
  readonly maximumPacketSize: number | undefined
  /** Topic Alias Maximum of the client: aliases that we may use towards it. 0 when absent. */
  readonly topicAliasMaximum: number
  readonly requestResponseInformation: boolean
  /** False: no Reason String or User Properties on anything but PUBLISH, CONNACK and DISCONNECT. [MQTT-5.0 3.1.2-29] */
  readonly requestProblemInformation: boolean
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Buffer | undefined
  readonly userProperties: readonly UserProperty[] | undefined
}

export interface PublishPacket {
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  /** Empty only together with a topicAlias. */
  readonly topic: string
  /** 0 with QoS 0. */
  readonly packetId: number
  /** A view of the bytes received. */
  readonly payload: Buffer
  /** Undefined when there are none, and before MQTT 5. */
  readonly properties: MessageProperties | undefined
  readonly topicAlias: number | undefined
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP. */
export interface AcknowledgementPacket {
  readonly packetId: number
  /** 0 before MQTT 5. */
  readonly reasonCode: number
}

/** One Topic Filter of a SUBSCRIBE with its options. [MQTT-5.0 3.8.3.1] */
export interface SubscriptionRequest {
  readonly topicFilter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

export interface SubscribePacket {
  readonly packetId: number
  readonly subscriptions: readonly SubscriptionRequest[]
  readonly subscriptionIdentifier: number | undefined
}

export interface UnsubscribePacket {
  readonly packetId: number
  readonly topicFilters: readonly string[]
}

export interface DisconnectPacket {
  readonly reasonCode: number
  /** Undefined when absent. */
  readonly sessionExpiryIntervalSeconds: number | undefined
}

/** What a CONNACK says. Absent properties are not sent. */
export interface Connack {
  readonly sessionPresent: boolean
  /** Return code (3.1, 3.1.1) or Reason Code (5). */
  readonly code: number
  readonly serverKeepAliveSeconds?: number
  readonly topicAliasMaximum?: number
  readonly assignedClientId?: string
  readonly retainAvailable?: boolean
  readonly maximumPacketSize?: number
  readonly receiveMaximum?: number
  readonly maximumQos?: 0 | 1
  readonly sessionExpiryIntervalSeconds?: number
  readonly responseInformation?: string
}
