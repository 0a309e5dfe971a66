import { randomUUID } from 'node:crypto'
import { isBrokerTopic } from '../../protocol/index.ts'
import { type ConnectPacket, reasonCode } from '../edge/index.ts'
import type { ConnectionContext } from './connection-context.ts'
import type { ListenerRules } from './listener-rules.ts'

/** Why a CONNECT is refused before anybody asks who it is from. */
export interface EntryRefusal {
  /** For the log; undefined: not worth a line. */
  readonly why: string | undefined
  /** Reason Code of MQTT 5; older clients get the return code nearest to it. */
  readonly code: number
}

/** A client that may try to log in, under these names. */
export interface Entry {
  readonly clientId: string
  /** Undefined: anonymous. */
  readonly username: string | undefined
  /** The broker gave it its client id. */
  readonly isAssigned: boolean
}

/**
 * Everything about a CONNECT that does not depend on who it is from.
 * @param username as its certificate or itself says; null: its certificate gives none
 */
export function entryOf(
  packet: ConnectPacket,
  username: string | null | undefined,
  rules: ListenerRules,
  context: ConnectionContext,
): Entry | EntryRefusal {
  if (username === null) return refused('its certificate gives no username', reasonCode.badUserNameOrPassword)
  const clientId = clientIdOf(packet.clientId, username, rules)
  if (typeof clientId !== 'string') return clientId
  const { clientIdPrefixes, gate } = context
  if (clientIdPrefixes.length > 0 && !clientIdPrefixes.some((prefix) => clientId.startsWith(prefix))) {
    return refused('its client id does not begin as clientid_prefixes demands', reasonCode.notAuthorized)
  }
  if (packet.will !== undefined && isBrokerTopic(packet.will.topic)) {
    return refused('only the broker publishes to the will topic', reasonCode.notAuthorized)
  }
  if (context.isFull(clientId)) {
    return refused('there are as many clients as global_max_clients allows', reasonCode.quotaExceeded)
  }
  if (gate.chain.outage !== undefined) return { why: undefined, code: reasonCode.serverUnavailable }
  return { clientId, username, isAssigned: clientId !== packet.clientId }
}

function clientIdOf(given: string, username: string | undefined, rules: ListenerRules): string | EntryRefusal {
  const { allowZeroLengthClientId, autoIdPrefix } = rules.security.settings
  if (rules.useUsernameAsClientId) {
    if (username !== undefined) return username
    return refused('its username is to be its client id, and it has none', reasonCode.notAuthorized)
  }
  if (given !== '') return given
  if (!allowZeroLengthClientId) return refused('it has no client id', reasonCode.clientIdentifierNotValid)
  return `${autoIdPrefix}${randomUUID().toUpperCase()}`
}

function refused(why: string, code: number): EntryRefusal {
  return { why, code }
}
