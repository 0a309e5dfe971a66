import { formatTime } from '../../../protocol/index.ts'
import { type ShownMessage, verdictOf } from './shown-message.ts'

/** Mosquitto's names of properties, by those of MQTT.js. */
const names: Readonly<Record<string, string>> = {
  contentType: 'content-type',
  userProperties: 'user-properties',
  correlationData: 'correlation-data',
  responseTopic: 'response-topic',
  topicAlias: 'topic-alias',
  subscriptionIdentifier: 'subscription-identifier',
  payloadFormatIndicator: 'payload-format-indicator',
  messageExpiryInterval: 'message-expiry-interval',
}

/**
 * A message as `%j` and `%J` print it: Mosquitto's fields, and where it is anything else than unsigned and in clear what
 * that is (`verdict`, `signer`, `kid`, `seq`, `signedTime`, `encrypted`).
 * @param payload as it is to stand there: text, or the JSON that it is
 */
export function messageJson(message: ShownMessage, payload: unknown, indent: string | undefined): string {
  const { topic, qos, retain, packetId, receivedAt, verified, encrypted } = message
  const properties = propertiesOf(message)
  const isNotable = encrypted || verified !== undefined || (message.unverified ?? 'unsigned') !== 'unsigned'
  const shown = {
    tst: isoTime(receivedAt),
    topic,
    qos,
    retain: retain ? 1 : 0,
    payloadlen: message.payload.length,
    ...(qos > 0 ? { mid: packetId } : {}),
    ...(properties === undefined ? {} : { properties }),
    ...(isNotable ? { verdict: verdictOf(message), encrypted } : {}),
    ...(verified === undefined
      ? {}
      : { signer: verified.subject, kid: verified.kid, seq: verified.seq, signedTime: verified.time.toISOString() }),
    payload,
  }
  return JSON.stringify(shown, undefined, indent)
}

/** Microseconds are what Mosquitto prints; a clock of milliseconds has zeros there. */
function isoTime(date: Date): string {
  const micros = String(date.getMilliseconds() * 1000).padStart(6, '0')
  return formatTime(`%Y-%m-%dT%H:%M:%S.${micros}Z%z`, date)
}

/** In the order in which they came, as Mosquitto's clients print them. */
function propertiesOf({ properties }: ShownMessage): Record<string, unknown> | undefined {
  if (properties === undefined) return undefined
  const shown: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(properties)) {
    const name = names[key]
    if (name === undefined || value === undefined) continue
    shown[name] = Buffer.isBuffer(value) ? value.toString() : typeof value === 'boolean' ? Number(value) : value
  }
  return Object.keys(shown).length === 0 ? undefined : shown
}
