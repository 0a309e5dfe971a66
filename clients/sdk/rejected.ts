/** What the broker says of a publish that it refused: the only way to learn of it before MQTT 5. */
export interface RejectedPublish {
  /** RFC 3339. */
  readonly time: string
  readonly topic: string
  readonly qos: 0 | 1 | 2
  /** A stable word, e.g. `not-signed`: docs/envelope.md has them all. */
  readonly cause: string
}

/** @returns undefined for what is no such event: on other brokers anybody may publish there */
export function parseRejected(message: Uint8Array): RejectedPublish | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(message))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { time, topic, qos, cause } = value as Readonly<Record<string, unknown>>
  const isEvent = typeof time === 'string' && typeof topic === 'string' && typeof cause === 'string'
  return isEvent && (qos === 0 || qos === 1 || qos === 2) ? { time, topic, qos, cause } : undefined
}
