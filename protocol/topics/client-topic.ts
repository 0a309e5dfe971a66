/** Characters that would make another topic of a client id: `%`, `/`, `+`, `#` and controls. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const unsafe = /[%/+#\u0000-\u001f\u007f-\u009f]/g

/** A client id as one topic level, percent-encoded over UTF-8. */
export function encodeClientId(clientId: string): string {
  return clientId.replace(unsafe, (character) => encodeURIComponent(character))
}

/** Below this prefix, topics belong to the broker. */
export const notaryPrefix = '$notary/'

/** `$notary` and all below it, as a topic or as a filter: what is told there concerns single clients. */
export function isBelowNotary(topic: string): boolean {
  return topic === '$notary' || topic.startsWith(notaryPrefix)
}

/** Where bridges of Mosquitto say, in their wills too, whether they are connected. */
const bridgeState = /^\$SYS\/broker\/connection\/[^/]+\/state$/

/**
 * Whether only the broker publishes to a topic: what `$SYS/#` and `$notary/#` match, so these two names as well; but not
 * the state of a bridge.
 */
export function isBrokerTopic(topic: string): boolean {
  if (!topic.startsWith('$')) return false
  const isSys = topic === '$SYS' || topic.startsWith('$SYS/')
  return (isSys && !bridgeState.test(topic)) || isBelowNotary(topic)
}

/** Where requests are published. */
export const requestTopic = {
  admin: '$notary/admin/request',
  keyExchange: '$notary/key-exchange/request',
  identity: '$notary/identity/request',
} as const

/** Answers of the admin service to one client. */
export function adminResponseTopic(clientId: string): string {
  return `$notary/admin/response/${encodeClientId(clientId)}`
}

/** Answers to the key exchanges of one client; what the broker signs, it signs for this topic. */
export function keyExchangeResponseTopic(clientId: string): string {
  return `$notary/key-exchange/response/${encodeClientId(clientId)}`
}

/** Answers to the question of one client who the broker is; what the broker signs, it signs for this topic. */
export function identityResponseTopic(clientId: string): string {
  return `$notary/identity/response/${encodeClientId(clientId)}`
}

/** Events about refused publishes of one client. */
export function rejectedTopic(clientId: string): string {
  return `$notary/rejected/${encodeClientId(clientId)}`
}

/** Receipts for the publishes of one client. */
export function receiptTopic(clientId: string): string {
  return `$notary/audit/receipt/${encodeClientId(clientId)}`
}

/** The newest checkpoint, retained, for everybody. */
export const checkpointTopic = '$notary/audit/checkpoint'

/** The signed header of every block, as it becomes durable, for everybody. */
export const blockTopic = '$notary/audit/block'

/** What administrators should look into at once. */
export const alarmTopic = '$notary/alarm'

/** A client may write its own id as this when it subscribes. */
export const ownClientId = '-'
