export { encodeConnack, encodeDisconnect, encodeSuback, encodeUnsuback, pingresp } from './encode.ts'
export { encodeAcknowledgement, maxAcknowledgementBytes, writeAcknowledgement } from './encode-acknowledgement.ts'
export { encodeConnect, type OutgoingConnect } from './encode-connect.ts'
export {
  encodeMessageProperties,
  type OutgoingPublish,
  type PublishOptions,
  publishBytes,
  writePublish,
} from './encode-publish.ts'
export { MqttError, type MqttErrorCode, mqttErrors } from './errors.ts'
export { checkClientPacketType } from './fixed-header.ts'
export { type Frame, Framer, maxProtocolPacketBytes } from './framer.ts'
export { grantedKeepAliveSeconds } from './keep-alive.ts'
export {
  type AcknowledgementPacket,
  type Connack,
  type ConnectPacket,
  type DisconnectPacket,
  type MessageProperties,
  type ProtocolVersion,
  type PublishPacket,
  packetType,
  type QoS,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
  type UserProperty,
  type Will,
} from './packets.ts'
export { parseAcknowledgement } from './parse-acknowledgement.ts'
export { parseConnect } from './parse-connect.ts'
export { checkPingreq, parseDisconnect } from './parse-disconnect.ts'
export { parsePublish } from './parse-publish.ts'
export { parseSubscribe, parseUnsubscribe } from './parse-subscribe.ts'
export { reasonCode, returnCode, subackFailure, toReturnCode } from './reason-codes.ts'
export { maxTopicLevels, topicLevels } from './topic-names.ts'
