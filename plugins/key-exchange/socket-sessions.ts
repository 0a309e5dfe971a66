import { toHex } from '../../protocol/index.ts'
import type { RegisteredKey } from '../key-registry/index.ts'
import type { MacSession, MacSessionFields } from './mac-session.ts'
import { MacSessions, type SessionTally } from './mac-sessions.ts'

/** Keys that may have a session for one client id at a time, and client ids with a session. */
const maxKeysPerClient = 8
const maxClients = 10_000

/**
 * Sessions that were agreed on over a socket: they belong to a client id, and may be used on any connection of it. Each
 * key has its own: who signs for a client id that is not his cannot end the session of the one whose it is.
 */
export class SocketSessions {
  readonly #now: () => number
  readonly #tally: SessionTally | undefined
  /** By client id, then by thumbprint in hexadecimal; the oldest come first. */
  readonly #clients = new Map<string, Map<string, MacSessions>>()

  /**
   * @param now wall clock, milliseconds
   * @param tally that counts them too
   */
  constructor(now: () => number, tally?: SessionTally) {
    this.#now = now
    this.#tally = tally
  }

  find(clientId: string, sid: Uint8Array): MacSession | undefined {
    for (const sessions of this.#clients.get(clientId)?.values() ?? []) {
      const session = sessions.find(sid)
      if (session !== undefined) return session
    }
    return undefined
  }

  begin(fields: MacSessionFields): MacSession | undefined {
    return this.#of(fields.clientId, fields.signer).begin(fields)
  }

  close(): void {
    for (const keys of this.#clients.values()) for (const sessions of keys.values()) sessions.close()
    this.#clients.clear()
  }

  #of(clientId: string, signer: RegisteredKey): MacSessions {
    const keys = this.#clients.get(clientId) ?? new Map<string, MacSessions>()
    const id = toHex(signer.thumbprint)
    const sessions = keys.get(id) ?? new MacSessions(this.#now, this.#tally)
    // To the end: what was not used for longest goes first.
    keys.delete(id)
    this.#clients.delete(clientId)
    if (keys.size >= maxKeysPerClient) dropOldest(keys, (oldest) => oldest.close())
    if (this.#clients.size >= maxClients) {
      dropOldest(this.#clients, (oldest) => {
        for (const one of oldest.values()) one.close()
      })
    }
    keys.set(id, sessions)
    this.#clients.set(clientId, keys)
    return sessions
  }
}

function dropOldest<V>(map: Map<string, V>, end: (value: V) => void): void {
  for (const [key, value] of map) {
    map.delete(key)
    end(value)
    return
  }
}
