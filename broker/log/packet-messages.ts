/** One line per packet in the words of Mosquitto 2.0: debug, but where it says otherwise. */

/** What is said of a PUBLISH: never its payload. */
export interface PublishTrace {
  readonly dup: boolean
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** 0 with QoS 0. */
  readonly packetId: number
  readonly topicName: string
  readonly payloadBytes: number
}

const bit = (value: boolean) => (value ? 1 : 0)

function traceOf({ dup, qos, retain, packetId, topicName, payloadBytes }: PublishTrace): string {
  return `(d${bit(dup)}, q${qos}, r${bit(retain)}, m${packetId}, '${topicName}', ... (${payloadBytes} bytes))`
}

export const receivedPublish = (clientId: string, publish: PublishTrace) =>
  `Received PUBLISH from ${clientId} ${traceOf(publish)}`
export const sendingPublish = (clientId: string, publish: PublishTrace) =>
  `Sending PUBLISH to ${clientId} ${traceOf(publish)}`
/** Debug in Mosquitto; of ours a notice is expected, as a refusal is never silent to us. */
export const deniedPublish = (clientId: string, publish: PublishTrace) =>
  `Denied PUBLISH from ${clientId} ${traceOf(publish)}`

/** @param client id, or the address of one that was not let in  @param code return code or reason code */
export const sendingConnack = (client: string, sessionPresent: boolean, code: number) =>
  `Sending CONNACK to ${client} (${bit(sessionPresent)}, ${code})`

/** @returns one line, or two with a will */
export function willLines(will: { topicName: string; payloadBytes: number; retain: boolean; qos: number } | undefined) {
  if (will === undefined) return ['No will message specified.']
  const { topicName, payloadBytes, retain, qos } = will
  return [`Will message specified (${payloadBytes} bytes) (r${bit(retain)}, q${qos}).`, `\t${topicName}`]
}

/** Packets of which no more than the sender or the receiver is said. */
export type PlainReceived = 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'PINGREQ' | 'DISCONNECT' | 'AUTH' | 'SUBACK' | 'UNSUBACK'
export type PlainSent = 'SUBACK' | 'UNSUBACK' | 'PINGRESP'

export const received = (packet: PlainReceived, clientId: string) => `Received ${packet} from ${clientId}`
export const sending = (packet: PlainSent, clientId: string) => `Sending ${packet} to ${clientId}`

export const receivedAcknowledgement = (
  packet: 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP',
  clientId: string,
  packetId: number,
  reasonCode: number,
) => {
  // Mosquitto leaves it out where it does not look at it.
  const isReasonShown = packet === 'PUBACK' || packet === 'PUBCOMP'
  return `Received ${packet} from ${clientId} (Mid: ${packetId}${isReasonShown ? `, RC:${reasonCode}` : ''})`
}

export const sendingAcknowledgement = (
  packet: 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP',
  clientId: string,
  packetId: number,
  reasonCode: number,
) => {
  const isReasonShown = packet === 'PUBACK' || packet === 'PUBREC'
  return `Sending ${packet} to ${clientId} (m${packetId}${isReasonShown ? `, rc${reasonCode}` : ''})`
}

/** Below the line of a SUBSCRIBE. */
export const wantedSubscription = (topicFilter: string, qos: number) => `\t${topicFilter} (QoS ${qos})`
/** Below the line of an UNSUBSCRIBE. */
export const endedSubscription = (topicFilter: string) => `\t${topicFilter}`

/** Log type `subscribe`. */
export const subscribed = (clientId: string, topicFilter: string, qos: number) => `${clientId} ${qos} ${topicFilter}`
/** Log type `unsubscribe`. */
export const unsubscribed = (clientId: string, topicFilter: string) => `${clientId} ${topicFilter}`
