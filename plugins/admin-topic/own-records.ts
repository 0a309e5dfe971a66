import type { ChainRecord, Requester } from '../../protocol/index.ts'

/**
 * Whether a record is the requester's own: both have the same proven name. A name that nobody proved owns nothing, and
 * neither does a client id.
 */
export function ownsRecord({ username, auth }: Requester, record: ChainRecord): boolean {
  return username !== undefined && auth !== 'none' && record.auth !== 'none' && record.username === username
}
