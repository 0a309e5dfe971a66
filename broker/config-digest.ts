import { createHash } from 'node:crypto'
import { policyDigestInput } from '../plugins/index.ts'
import { type CborValue, encodeCbor, restrictionsToCbor } from '../protocol/index.ts'
import type { ResolvedBrokerOptions } from './options.ts'

const version = 1

/**
 * SHA-256 of everything that decides which publishes are accepted: policy, rules for keys, access control lists. CBOR
 * `[1, policy, [* [key name, restrictions]], [* SHA-256 of an acl_file / nil], clock skew in seconds, client ids are bound,
 * certificates are enrolled]`, the list of the broker first, then those of listeners that have their own.
 * @param aclDigests undefined: no list
 * @returns undefined when there are no such rules
 */
export function configDigest(
  options: ResolvedBrokerOptions,
  aclDigests: readonly (Uint8Array | undefined)[],
): Uint8Array | undefined {
  const { protect, keyRules, clockSkewSeconds, bindClientId, enrollCertificates } = options
  const hasRules = protect.length + keyRules.length > 0 || bindClientId || enrollCertificates
  if (!hasRules && aclDigests.every((digest) => digest === undefined)) return undefined
  const keys = keyRules.map(({ name, restrictions }): CborValue => [name, restrictionsToCbor(restrictions)])
  const acls = aclDigests.map((digest): CborValue => digest ?? null)
  const content: CborValue = [
    version,
    policyDigestInput(protect),
    keys,
    acls,
    clockSkewSeconds,
    bindClientId,
    enrollCertificates,
  ]
  return createHash('sha256').update(encodeCbor(content)).digest()
}
