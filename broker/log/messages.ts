/**
 * Lines of the log in the words of Mosquitto 2.0, for which tools look, with our name where it has its own. Names come
 * from clients and are written as they are; the logger takes control characters out.
 */

/** Stands for a client that has not said its id. */
export const unknownClient = '<unknown>'

/** Numbers that Mosquitto 2.0 prints for the protocol versions 3.1, 3.1.1 and 5. */
const protocolNumbers: Readonly<Record<number, number>> = { 3: 1, 4: 2, 5: 5 }

const bit = (value: boolean) => (value ? 1 : 0)

/** A message of the broker to one client alone that is beyond its Maximum Packet Size. */
export const answerTooLarge = (clientId: string, topic: string, bytes: number) =>
  `Left out a message to ${clientId} ('${topic}', ${bytes} bytes): larger than it takes.`

// Start and stop

export const starting = (version: string) => `notarymq version ${version} starting`
export const running = (version: string) => `notarymq version ${version} running`
export const terminating = (version: string) => `notarymq version ${version} terminating`
export const configLoaded = (file: string) => `Config loaded from ${file}.`
export const usingDefaultConfig = 'Using default config.'
export const localOnlyMode =
  'Starting in local only mode. Connections will only be possible from clients running on this machine.'
export const localOnlyHint =
  'Create a configuration file which defines a listener to allow remote access, and see docs/migrating-from-mosquitto.md.'
export const reloadingConfig = 'Reloading config.'
/** Warning, once a reload. @param names of directives */
export const atNextStart = (names: readonly string[]) =>
  `Warning: the configuration differs in ${names.join(', ')}, which takes effect at the next start.`

/** @param kind of the socket; Mosquitto names no address family for WebSocket */
export const openingListener = (kind: 'ipv4' | 'ipv6' | 'websockets' | 'notary-link', port: number) =>
  `Opening ${kind} listen socket on port ${port}.`

// Connections

/** Notice, subject to `connection_messages`. */
export const newConnection = (address: string, port: number, listenerPort: number) =>
  `New connection from ${address}:${port} on port ${listenerPort}.`

/** A client that is in. */
export interface ConnectedClient {
  readonly address: string
  readonly port: number
  readonly clientId: string
  /** As CONNECT carries it: 3, 4 or 5. */
  readonly protocolVersion: number
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  readonly username: string | undefined
}

/** Notice, subject to `connection_messages`. */
export function clientConnected(client: ConnectedClient): string {
  const { address, port, clientId, cleanStart, keepAliveSeconds, username } = client
  const protocol = protocolNumbers[client.protocolVersion] ?? client.protocolVersion
  const user = username === undefined ? '' : `, u'${username}'`
  return `New client connected from ${address}:${port} as ${clientId} (p${protocol}, c${bit(cleanStart)}, k${keepAliveSeconds}${user}).`
}

/** Why a connection is over, as far as Mosquitto has words for it. */
export type DepartureCause =
  /** A DISCONNECT came. */
  | 'disconnected'
  /** The socket ended without one. */
  | 'closed-connection'
  | 'keep-alive'
  | 'malformed-packet'
  | 'protocol-error'
  | 'oversize-packet'
  | 'not-authorised'
  /** The broker asked it to leave. */
  | 'administrative'
  /** Mosquitto's words for what MQTT 5 calls 0x9A, 0x9B and an authentication method that is not there. */
  | 'not-supported'

const departures: Readonly<Record<DepartureCause, string>> = {
  disconnected: ' disconnected.',
  'closed-connection': ' closed its connection.',
  'keep-alive': ' has exceeded timeout, disconnecting.',
  'malformed-packet': ' disconnected due to malformed packet.',
  'protocol-error': ' disconnected due to protocol error.',
  'oversize-packet': ' disconnected due to oversize packet.',
  'not-authorised': ' disconnected, not authorised.',
  administrative: ' been disconnected by administrative action.',
  'not-supported': ' disconnected due to QoS too high or retain not supported.',
}

/**
 * Notice, subject to `connection_messages`. Mosquitto says `<unknown>` for every client that was not let in, whatever it
 * called itself.
 */
export const clientLeft = (clientId: string | undefined, cause: DepartureCause) =>
  `Client ${clientId ?? unknownClient}${departures[cause]}`

/** Notice. */
export const expiringClient = (clientId: string) => `Expiring client ${clientId} due to timeout.`
/** Notice. */
export const tooManyConnections = (address: string) =>
  `Client connection from ${address} denied: max_connections exceeded.`
/** Notice: it never came to MQTT. */
export const connectionFailed = (address: string, reason: string) =>
  `Client connection from ${address} failed: ${reason}.`
