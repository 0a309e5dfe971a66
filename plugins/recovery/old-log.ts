import { ChainVerifier, decodeBlock, decodeRecord, isSameP256, KeyRegistry } from '../../protocol/index.ts'
import type { LogIdentity } from '../anchors/index.ts'
import { LevelAuditStore, type StoreDatabase } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'

/** What of a chain can be believed: everything below the first thing that is wrong with it. */
export interface VerifiedPart {
  /** Keys, restrictions and sequence numbers after the last good block. */
  readonly registry: KeyRegistry
  readonly records: number
}

/**
 * Walks a chain from its genesis as far as headers, links, tree and records verify. Signatures of publishers are not
 * verified: the broker did, and signed that.
 * @throws {PluginError} ERR_CHAIN_KEY_MISMATCH: it is not a chain of this log
 */
export async function verifiedPart(database: StoreDatabase, { brokerKeys }: LogIdentity): Promise<VerifiedPart> {
  const registry = new KeyRegistry(nativeCrypto)
  const verifier = new ChainVerifier({ crypto: nativeCrypto, signaturesFrom: Number.MAX_SAFE_INTEGER })
  for await (const { firstIndex, encoded } of new LevelAuditStore(database).blocks()) {
    if ((await verifier.add(firstIndex, encoded)) !== undefined) break
    for (const [i, { record }] of decodeBlock(encoded).entries.entries()) {
      if (record !== undefined) registry.enter(decodeRecord(record), firstIndex + i)
    }
  }
  const isTrusted = registry.notary.brokers.some(({ key }) => brokerKeys.some((known) => isSameP256(known, key)))
  if (!isTrusted && registry.notary.broker !== undefined) {
    throw new PluginError('ERR_CHAIN_KEY_MISMATCH', 'the chain names no broker key of those in keys/')
  }
  return { registry, records: verifier.summary.records }
}
