import type { Client, PublishPacket } from 'aedes'
import type { AdminService, DirectTopics } from '../plugins/index.ts'
import { type Requester, requestTopic } from '../protocol/index.ts'
import type { Connections } from './connections.ts'

/**
 * Takes a publish to the admin request topic: it is answered on the requesting connection, never recorded or routed.
 * @returns false when the topic is not a request topic
 */
export function takeAdminRequest(
  service: AdminService,
  topics: DirectTopics,
  connections: Connections,
  client: Client,
  packet: PublishPacket,
  onError: (error: unknown) => void,
): boolean {
  if (packet.topic !== requestTopic.admin) return false
  const { properties } = packet
  const { clientId, username, auth, listener } = connections.publisher(client)
  const requester: Requester = { clientId, ...(username === undefined ? undefined : { username }), auth, listener }
  const isAdministrator = connections.of(client)?.isAdministrator === true
  service
    .answer(Buffer.from(packet.payload), requester, isAdministrator, onError)
    .then((response) => topics.sendResponse(client, 'adminResponse', properties, response))
    .catch(onError)
  return true
}
