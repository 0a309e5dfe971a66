import type { AedesPublishPacket, Client } from 'aedes'
import { type DirectTopics, isDirect } from '../plugins/index.ts'
import { isBrokerTopic, notaryPrefix } from '../protocol/index.ts'

/** Whether a client may subscribe: not to the broker's topics but its own, nor to what is not built yet. */
export function maySubscribe(topics: DirectTopics, client: Client, filter: string): boolean {
  if (filter === '$notary' || filter.startsWith(notaryPrefix)) return topics.subscribe(client, filter)
  // Stored with others in a session, it would end the process when the session is resumed (engine row 4).
  if (filter === '__proto__') return false
  // Shared subscriptions would be granted to 3.1.1 clients as a filter that matches nothing: better a clear no.
  return !filter.startsWith('$share/')
}

/** Whether a message may go to a client: the engine's own $SYS/<id>/... would tell every subscriber all client ids. */
export function mayForward(packet: AedesPublishPacket): boolean {
  return !isBrokerTopic(packet.topic) || isDirect(packet)
}
