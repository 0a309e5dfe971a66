import { ClientError } from '../errors.ts'
import { isSubscriptionRefused } from '../mqtt-js.ts'

/** Whoever subscribes: MQTT.js's client, or ours. */
interface Subscriber {
  subscribeAsync(filter: string, options: { readonly qos: 1 }): Promise<unknown>
}

/** Subscribes with QoS 1. @throws {ClientError} ERR_REFUSED, ERR_CONNECTION */
export async function subscribed(client: Subscriber, filter: string): Promise<void> {
  try {
    await client.subscribeAsync(filter, { qos: 1 })
  } catch (cause) {
    const [code, what] = isSubscriptionRefused(cause)
      ? (['ERR_REFUSED', 'refused'] as const)
      : (['ERR_CONNECTION', 'lost'] as const)
    throw new ClientError(code, `the subscription to ${filter} was ${what}`, { topic: filter }, cause)
  }
}
