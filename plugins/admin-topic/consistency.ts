import { type AdminMethods, consistencyProof, toBase64url } from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'

/**
 * Proves that the tree of one size extends that of another: `audit.consistency`. Tells nothing but hashes.
 * @throws {AdminError} invalid-params; not-found: there is no tree of that size yet
 */
export async function consistency(
  params: ParamReader,
  chain: Pick<AuditChain, 'state' | 'tiles'>,
): Promise<AdminMethods['audit.consistency']['result']> {
  const [from, to] = [params.index('from'), params.index('to')]
  params.end()
  if (from === 0 || from > to) throw new AdminError('invalid-params', 'from is at least 1 and at most to')
  if (to > chain.state.frontier.size) throw new AdminError('not-found', `no tree of ${to} records`)
  const { path } = await consistencyProof(from, to, chain.tiles, nativeCrypto)
  return { from, to, path: path.map(toBase64url) }
}
