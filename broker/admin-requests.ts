import { type Requester, requestTopic } from '../protocol/index.ts'
import type { ClientConnection } from './connection/client-connection.ts'
import type { PublishPacket } from './edge/index.ts'

/**
 * Takes a publish to the admin request topic: it is answered on the requesting connection, never recorded or routed.
 * @returns false when the topic is not a request topic
 */
export function takeAdminRequest(connection: ClientConnection, packet: PublishPacket): boolean {
  if (packet.topic !== requestTopic.admin) return false
  const { admin, topics, onError } = connection.context
  const { clientId, username, auth, listener } = connection.publisher
  const requester: Requester = { clientId, ...(username === undefined ? undefined : { username }), auth, listener }
  admin
    .answer(packet.payload, requester, connection.isAdministrator, onError)
    .then((response) => topics.sendResponse(connection, 'adminResponse', packet.properties, response))
    .catch(onError)
  return true
}
