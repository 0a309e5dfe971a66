import { CodedError, type ErrorDetails, type ErrorExplanation } from '../../protocol/coded-error.ts'
import { reasonCode } from './reason-codes.ts'

interface MqttErrorExplanation extends ErrorExplanation {
  /** What a MQTT 5 peer is told. [MQTT-5.0 4.13] */
  readonly reasonCode: number
}

/** Every code of the wire codec, with when it happens, what to do, and what a MQTT 5 peer is told. */
export const mqttErrors = {
  ERR_MQTT_MALFORMED_PACKET: {
    cause: 'bytes that are no MQTT packet: truncated, over-long, reserved bits set, text that is not UTF-8',
    remedy: 'correct the client, or what sits between it and the broker',
    reasonCode: reasonCode.malformedPacket,
  },
  ERR_MQTT_PROTOCOL_ERROR: {
    cause: 'a well-formed packet that the protocol does not allow: out of order, repeated property, value out of range',
    remedy: 'correct the client',
    reasonCode: reasonCode.protocolError,
  },
  ERR_MQTT_UNSUPPORTED_VERSION: {
    cause: 'a CONNECT of another protocol than MQTT 3.1, 3.1.1 and 5',
    remedy: 'set the client to one of the three; a Mosquitto bridge tries again by itself',
    reasonCode: reasonCode.unsupportedProtocolVersion,
  },
  ERR_MQTT_CLIENT_ID_INVALID: {
    cause: 'an empty client id in MQTT 3.1, or in 3.1.1 together with Clean Session 0',
    remedy: 'give the client an id',
    reasonCode: reasonCode.clientIdentifierNotValid,
  },
  ERR_MQTT_TOPIC_FILTER_INVALID: {
    cause: 'a topic filter that is empty, has a wildcard in the wrong place, or begins with $share but names no group',
    remedy: 'correct the filter',
    reasonCode: reasonCode.topicFilterInvalid,
  },
  ERR_MQTT_TOPIC_NAME_INVALID: {
    cause: 'a topic name, will topic or response topic that is empty, has a wildcard, or has more than 200 levels',
    remedy: 'publish to a topic without + and #',
    reasonCode: reasonCode.topicNameInvalid,
  },
  ERR_MQTT_TOPIC_ALIAS_INVALID: {
    cause: 'a topic alias that is 0 or above the maximum that was announced',
    remedy: 'correct the client: aliases are 1 to the Topic Alias Maximum of the CONNACK',
    reasonCode: reasonCode.topicAliasInvalid,
  },
  ERR_MQTT_RECEIVE_MAXIMUM_EXCEEDED: {
    cause: 'more publishes with QoS 1 and 2 are unacknowledged than was announced',
    remedy: 'correct the client: it has to wait for acknowledgements',
    reasonCode: reasonCode.receiveMaximumExceeded,
  },
  ERR_MQTT_PACKET_TOO_LARGE: {
    cause: 'a packet is larger than the limit, or than MQTT can express',
    remedy: 'send less at once, or raise max_packet_size',
    reasonCode: reasonCode.packetTooLarge,
  },
  ERR_MQTT_RETAIN_NOT_SUPPORTED: {
    cause: 'a publish or will with the retain flag where retain_available is false',
    remedy: 'publish without the flag, or allow retained messages',
    reasonCode: reasonCode.retainNotSupported,
  },
  ERR_MQTT_QOS_NOT_SUPPORTED: {
    cause: 'a publish or will with a higher QoS than max_qos',
    remedy: 'publish with a lower one, or raise max_qos',
    reasonCode: reasonCode.qosNotSupported,
  },
  ERR_MQTT_STRING_TOO_LONG: {
    cause: 'a string or binary value to be sent is longer than 65,535 bytes',
    remedy: 'shorten it',
    reasonCode: reasonCode.implementationSpecificError,
  },
} as const satisfies Record<string, MqttErrorExplanation>

export type MqttErrorCode = keyof typeof mqttErrors

/** Thrown by everything in `broker/edge/`. After one that a peer caused, its connection has to be closed. */
export class MqttError extends CodedError<MqttErrorCode> {
  /** What a MQTT 5 peer is told in CONNACK or DISCONNECT. */
  readonly reasonCode: number

  constructor(code: MqttErrorCode, message: string, details: ErrorDetails = {}) {
    super(code, message, details)
    this.reasonCode = mqttErrors[code].reasonCode
  }
}

/** Bytes that cannot be parsed as the standard says. [MQTT-5.0 4.13.1] */
export function malformed(message: string): MqttError {
  return new MqttError('ERR_MQTT_MALFORMED_PACKET', message)
}

/** Parsed, but not allowed by the protocol. [MQTT-5.0 4.13.1] */
export function protocolError(message: string): MqttError {
  return new MqttError('ERR_MQTT_PROTOCOL_ERROR', message)
}
