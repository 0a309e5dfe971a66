import { decodeChunk } from './chunk-codec.ts'
import { Session, type SessionContext } from './session.ts'
import { numberOfKey, splitKey } from './session-keys.ts'
import { decodeSessionState, decodeSubscription } from './session-state-codec.ts'
import type { SessionStore } from './session-store.ts'
import { decodeStoredWill, type StoredWill } from './stored-will.ts'

/** Nobody asked since the start. */
const nobody = { sendAcknowledgement: () => {} }

export interface LoadedSessions {
  readonly sessions: readonly Session[]
  /** Those of them that were connected when the broker ended. */
  readonly interrupted: readonly Session[]
  readonly wills: readonly StoredWill[]
}

/**
 * Reads sessions, their queues and wills. A session that was connected when the broker ended counts as disconnected
 * now, and everything in its queue as sent: who knows.
 * @throws {ProtocolError} ERR_CBOR_*; {RangeError} when another version wrote it
 */
export async function loadSessions(
  store: SessionStore,
  context: SessionContext,
  nowMs: number,
): Promise<LoadedSessions> {
  const { states, subscriptions, queues, received, incoming, wills } = store.sublevels
  const sessions = new Map<string, { session: Session; sentUpTo: number }>()
  const interrupted: Session[] = []
  const of = (clientId: string) => sessions.get(clientId)

  for await (const [key, value] of states.iterator()) {
    const { clientId } = splitKey(key)
    const { expiryIntervalSeconds, disconnectedAtMs, sentUpTo, username, listener } = decodeSessionState(value)
    // Numbers go on, since those below were sent.
    const session = new Session(clientId, expiryIntervalSeconds, context, true, sentUpTo)
    session.disconnectedAtMs = disconnectedAtMs ?? nowMs
    session.username = username
    session.listener = listener
    if (disconnectedAtMs === undefined) interrupted.push(session)
    sessions.set(clientId, {
      session,
      sentUpTo: disconnectedAtMs === undefined ? Number.POSITIVE_INFINITY : sentUpTo,
    })
  }
  for await (const [key, value] of subscriptions.iterator()) {
    const { clientId, rest } = splitKey(key)
    of(clientId)?.session.subscriptions.set(rest.toString(), decodeSubscription(value))
  }
  const receivedNumbers = new Map<string, Set<number>>()
  for await (const key of received.keys()) {
    const { clientId, rest } = splitKey(key)
    const numbers = receivedNumbers.get(clientId) ?? new Set()
    numbers.add(numberOfKey(rest))
    receivedNumbers.set(clientId, numbers)
  }
  for await (const [key, value] of queues.iterator()) {
    const { clientId, rest } = splitKey(key)
    const owner = of(clientId)
    if (owner === undefined) continue
    const numbers = receivedNumbers.get(clientId)
    for (const entry of decodeChunk(value, numberOfKey(rest), owner.sentUpTo).entries) {
      if (numbers?.has(entry.number)) entry.state = 'received'
      owner.session.outbox.restore(entry)
    }
  }
  for await (const key of incoming.keys()) {
    const { clientId, rest } = splitKey(key)
    of(clientId)?.session.incoming.set(rest.readUInt16BE(0), { link: nobody, isSettled: true, isStored: true })
  }
  const stored: StoredWill[] = []
  for await (const [key, value] of wills.iterator()) {
    stored.push(decodeStoredWill(value, numberOfKey(splitKey(key).rest)))
  }
  return { sessions: [...sessions.values()].map(({ session }) => session), interrupted, wills: stored }
}
