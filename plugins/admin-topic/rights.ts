import { type ChainRecord, isBrokerTopic, parseSeqReuse, type Requester } from '../../protocol/index.ts'
import { provenUsername } from '../authorize-publish/index.ts'
import { isOwnedBy, type RecordOwner } from '../query-index/index.ts'
import { AdminError } from './errors.ts'

/** What a requester may, as whoever takes its request knows. */
export interface AdminRights {
  /** May use every method, and see everybody's records. */
  readonly isAdministrator: boolean
  /** Thumbprints of keys that it has proved to hold. */
  readonly keys: readonly Uint8Array[]
  /** Whether it could be sent what is published to a topic now, on the listener that it came in by. */
  mayRead(topicName: string): boolean
}

/**
 * Whose records a requester is limited to: undefined, nobody's, for an administrator.
 * @throws {AdminError} not-authorized: it has proved nothing, and so owns nothing
 */
export function ownerLimit(requester: Requester, { isAdministrator, keys }: AdminRights): RecordOwner | undefined {
  if (isAdministrator) return undefined
  const username = provenUsername(requester)
  if (username === undefined && keys.length === 0) throw new AdminError('not-authorized')
  return { username, keys }
}

/** Whether a record may be shown: it is its own, where it is limited to those, and all its topics may be read. */
export function maySee(record: ChainRecord | undefined, owner: RecordOwner | undefined, rights: AdminRights): boolean {
  // Of one that was erased nobody can tell any more whose it was.
  if (record === undefined) return owner === undefined
  if (owner !== undefined && !isOwnedBy(record, owner)) return false
  // Requests to the broker itself are no publishes, and nobody is ever sent them.
  return topicsIn(record).every((topic) => isBrokerTopic(topic) || rights.mayRead(topic))
}

/** Every topic that a record names: where it was published to, where it was stored, what a number was used for before. */
function topicsIn(record: ChainRecord): readonly string[] {
  const { topic, storedTopic, kind } = record
  const accepted = kind === 'seq-reuse' ? parseSeqReuse(record).acceptedTopic : undefined
  return [topic, storedTopic, accepted].filter((one) => one !== undefined)
}
