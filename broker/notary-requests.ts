import type {
  AdminRights,
  AdminService,
  DirectClient,
  DirectTopics,
  ExchangeConnection,
  ExchangeRequester,
  FlowVerdict,
  IdentityService,
  KeyExchangeService,
  OwnTopic,
  Publisher,
} from '../plugins/index.ts'
import { requestTopic } from '../protocol/index.ts'
import type { PublishPacket } from './edge/index.ts'

/** What answers requests, and where answers are sent. */
export interface RequestServices {
  readonly admin: AdminService
  readonly keyExchange: KeyExchangeService
  readonly identity: IdentityService
  readonly topics: DirectTopics
  readonly onError: (error: unknown) => void
}

/** A connection that asks. */
export interface RequestingConnection extends DirectClient {
  readonly context: RequestServices
  readonly identity: {
    readonly publisher: Publisher
    readonly isAdministrator: boolean
    /** Thumbprint of the key of its certificate. */
    readonly certificateKey: Uint8Array | undefined
    mayWrite(topicName: string): boolean
    mayRead(topicName: string): boolean
  }
  /** Its session for hop MACs, and how often it may ask for one. */
  readonly exchange: ExchangeConnection
  /** Aborted when the connection is over. */
  readonly departed: AbortSignal
  /** SHA-256 of the certificate (DER) that it was shown; undefined without TLS. */
  readonly serverCertificateSha256: Uint8Array | undefined
}

/**
 * Takes a publish to a topic of the broker's own: a request, which is answered on its connection and never recorded as a
 * publish nor routed, or nothing that a client may send. The admin topic is subject to the access control list; who the
 * broker is, and a session key for what one may publish anyway, anybody may ask.
 */
export function takeRequest(
  connection: RequestingConnection,
  packet: PublishPacket,
): FlowVerdict | Promise<FlowVerdict> {
  switch (packet.topic) {
    case requestTopic.admin:
      return takeAdminRequest(connection, packet)
    case requestTopic.keyExchange:
      return takeKeyExchange(connection, packet)
    case requestTopic.identity:
      return takeIdentityRequest(connection, packet)
    default:
      return { cause: 'broker-topic' }
  }
}

/** Acknowledged at once: whatever comes of it is in the answer. */
function takeAdminRequest(connection: RequestingConnection, packet: PublishPacket): FlowVerdict {
  const { context, identity } = connection
  if (!identity.mayWrite(packet.topic)) return { cause: 'access-denied' }
  const { admin, onError } = context
  admin
    .answer(packet.payload, requesterOf(connection), rightsOf(connection), onError, {
      signal: connection.departed,
      notify: (notification) => respond(connection, 'adminResponse', packet, notification),
    })
    .then((response) => respond(connection, 'adminResponse', packet, response))
    .catch(onError)
  return 'acknowledge'
}

/** Acknowledged, or refused, when it is known what comes of it: a refusal has no other answer. */
async function takeKeyExchange(connection: RequestingConnection, packet: PublishPacket): Promise<FlowVerdict> {
  const { context, exchange } = connection
  const answer = await context.keyExchange.answer(packet.payload, requesterOf(connection), exchange)
  if ('cause' in answer) return answer
  respond(connection, 'keyExchangeResponse', packet, answer.response)
  return 'acknowledge'
}

function takeIdentityRequest(connection: RequestingConnection, packet: PublishPacket): FlowVerdict {
  const { context, id: clientId, serverCertificateSha256: certificateSha256 } = connection
  const answer = context.identity.answer(packet.payload, { clientId, certificateSha256 }, connection)
  if ('cause' in answer) return answer
  respond(connection, 'identityResponse', packet, answer.response)
  return 'acknowledge'
}

function respond(connection: RequestingConnection, kind: OwnTopic, packet: PublishPacket, response: unknown): void {
  connection.context.topics.sendResponse(connection, kind, packet.properties, response)
}

function rightsOf({ identity, exchange }: RequestingConnection): AdminRights {
  return {
    isAdministrator: identity.isAdministrator,
    keys: [identity.certificateKey, exchange.sessions.provenKey].filter((key) => key !== undefined),
    mayRead: (topicName) => identity.mayRead(topicName),
  }
}

function requesterOf({ identity }: RequestingConnection): ExchangeRequester {
  const { clientId, username, auth, listener } = identity.publisher
  return { clientId, ...(username === undefined ? undefined : { username }), auth, listener }
}
