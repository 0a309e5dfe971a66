import { randomUUID } from 'node:crypto'
import { checkWill } from '../connect-rules.ts'
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

/** A client that may try to log in, under this id. */
export interface Entry {
  readonly clientId: string
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
  const entry = clientIdOf(packet.clientId, username, rules)
  if ('code' in entry) return entry
  const { clientId } = entry
  const { clientIdPrefixes, policy, gate } = context
  if (clientIdPrefixes.length > 0 && !clientIdPrefixes.some((prefix) => clientId.startsWith(prefix))) {
    return refused('its client id does not begin as clientid_prefixes demands', reasonCode.notAuthorized)
  }
  const willRefusal = checkWill(packet.will, policy)
  if (willRefusal !== undefined) return refused(willRefusal, reasonCode.notAuthorized)
  if (context.isFull(clientId)) {
    return refused('there are as many clients as global_max_clients allows', reasonCode.quotaExceeded)
  }
  if (gate.chain.outage !== undefined) return { why: undefined, code: reasonCode.serverUnavailable }
  return entry
}

function clientIdOf(given: string, username: string | undefined, rules: ListenerRules): Entry | EntryRefusal {
  const { allowZeroLengthClientId, autoIdPrefix } = rules.security.settings
  if (rules.useUsernameAsClientId) {
    if (username !== undefined) return { clientId: username }
    return refused('its username is to be its client id, and it has none', reasonCode.notAuthorized)
  }
  if (given !== '') return { clientId: given }
  if (!allowZeroLengthClientId) return refused('it has no client id', reasonCode.clientIdentifierNotValid)
  return { clientId: `${autoIdPrefix}${randomUUID().toUpperCase()}` }
}

function refused(why: string, code: number): EntryRefusal {
  return { why, code }
}
