import type { ChainRecord } from '../record/index.ts'
import type { RegisteredKey } from './registered-key.ts'

/** Why the key of a record was not allowed to sign it: names of {@link chainFaults}. */
export type SignerFault = 'signer-not-valid' | 'signer-restricted'

/**
 * Whether an enrolled key may have signed a record at this point of the chain: neither revoked nor retired, for this
 * topic, used by this client and this user. A username counts when it was proved. A session is an agreement, not a message: topics do not
 * count for it.
 */
export function signerFault(signer: RegisteredKey, record: ChainRecord, index: number): SignerFault | undefined {
  const { topic = '', clientId = '', username, auth = 'none' } = record
  if (signer.invalidityAt(index) !== undefined) return 'signer-not-valid'
  const mayBeUsed = signer.mayBeUsedBy(clientId, auth === 'none' ? undefined : username)
  const maySign = record.kind === 'session' || signer.maySignTopic(topic)
  return mayBeUsed && maySign ? undefined : 'signer-restricted'
}
