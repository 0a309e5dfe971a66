import type { EdgeLimits } from '../edge/edge-handler.ts'
import { type Connack, type ConnectPacket, grantedKeepAliveSeconds } from '../edge/index.ts'

/** [MQTT-5.0 1.5.4] */
const maxStringBytes = 65_535

/** What a CONNACK says beside the packet that it answers. */
export interface AcceptedClient {
  readonly clientId: string
  readonly sessionPresent: boolean
  readonly limits: EdgeLimits
  /** Seconds that a session without a connection lives at most; 0: as long as its client asked. */
  readonly longestExpirySeconds: number
  /** Base of the Response Information; undefined: none is given. */
  readonly responseInformation: string | undefined
}

/** The CONNACK that lets a client in. What says nothing new is left out, as Mosquitto does. */
export function acceptingConnack(connect: ConnectPacket, client: AcceptedClient): Connack {
  const { clientId, sessionPresent, limits, longestExpirySeconds } = client
  if (connect.protocolVersion !== 5) return { sessionPresent, code: 0 }
  const { topicAliasMaximum, retainAvailable, maximumQos, maximumPacketSize, receiveMaximum } = limits
  const keepAliveSeconds = grantedKeepAliveSeconds(connect, limits.maxKeepAliveSeconds)
  const isShortened = longestExpirySeconds > 0 && longestExpirySeconds < connect.sessionExpiryIntervalSeconds
  const responseInformation = responseInformationOf(connect, client)
  return {
    sessionPresent,
    code: 0,
    ...(keepAliveSeconds === connect.keepAliveSeconds ? undefined : { serverKeepAliveSeconds: keepAliveSeconds }),
    ...(topicAliasMaximum === 0 ? undefined : { topicAliasMaximum }),
    // [MQTT-5.0 3.2.2-16]
    ...(connect.clientId === '' ? { assignedClientId: clientId } : undefined),
    ...(retainAvailable ? undefined : { retainAvailable: false }),
    ...(maximumPacketSize === 0 ? undefined : { maximumPacketSize }),
    ...(receiveMaximum === 0 ? undefined : { receiveMaximum }),
    ...(maximumQos === 2 ? undefined : { maximumQos }),
    // [MQTT-5.0 3.2.2.3.2]: whoever is not told counts on what it asked for. Mosquitto does not tell.
    ...(isShortened ? { sessionExpiryIntervalSeconds: longestExpirySeconds } : undefined),
    ...(responseInformation === undefined ? undefined : { responseInformation }),
  }
}

/** Left out, as it may be, where a long client id would make more of it than fits (MQTT 5.0 3.1.2.11.6). */
function responseInformationOf(
  { requestResponseInformation }: ConnectPacket,
  { responseInformation, clientId }: AcceptedClient,
): string | undefined {
  if (!requestResponseInformation || responseInformation === undefined) return undefined
  const text = `${responseInformation}${clientId}`
  return Buffer.byteLength(text) > maxStringBytes ? undefined : text
}
