import { packetType, reasonCode } from '../edge/index.ts'
import type { ClientConnection } from './client-connection.ts'

const pubrelBytes = 4

/**
 * PUBREL of a client: its packet id is free again. That is on disk before PUBCOMP says so; else a new message with the
 * same id could be taken for the old one after a crash. [MQTT-5.0 4.3.3-8..11]
 */
export function releasePublish(connection: ClientConnection, packetId: number): void {
  const { session, context, edge, inbound } = connection
  if (session === undefined) return
  let isKnown = false
  inbound.enter(pubrelBytes)
  connection.submit({
    bytes: 64,
    decide: () => {
      const exchange = session.incoming.get(packetId)
      isKnown = exchange !== undefined
      if (exchange === undefined) return undefined
      session.incoming.delete(packetId)
      if (exchange.isStored) context.sessions.store.deleteIncoming(session, packetId)
      return undefined
    },
    settle: () => {
      edge.sendAcknowledgement(packetType.pubcomp, packetId, isKnown ? 0 : reasonCode.packetIdentifierNotFound)
      inbound.leave(pubrelBytes)
    },
  })
}
