import { type AuditChain, nativeCrypto, PluginError, readKeysDirectory } from '../plugins/index.ts'
import type { KeyRestrictions } from '../protocol/index.ts'

/** What `notary_key` lines say, by the name of the key. */
export type ConfiguredRestrictions = ReadonlyMap<string, KeyRestrictions>

const none: ConfiguredRestrictions = new Map()

/**
 * Enrols what `notary_keys` holds and the log does not know yet. A file that goes away revokes nothing.
 * @param restrictions of keys that are enrolled here; those of known keys are for {@link applyRestrictions}
 * @throws {PluginError} ERR_KEY_FILE, ERR_KEY_NAME_TAKEN, ERR_KEY_KID_COLLISION, ERR_KEY_NAME_INVALID
 */
export async function enrollFromDirectory(
  chain: AuditChain,
  directory: string,
  notice: (message: string) => void,
  restrictions: ConfiguredRestrictions = none,
): Promise<void> {
  for (const { name, key } of readKeysDirectory(directory, nativeCrypto)) {
    const given = restrictions.get(name)
    const isKnown = chain.registry.named(name) !== undefined
    try {
      await chain.enroll(key, isKnown || given === undefined ? { name } : { name, restrictions: given })
    } catch (error) {
      // A file cannot bring back a revoked key or rename one, and must not keep the broker from starting.
      if (!(error instanceof PluginError && error.code === 'ERR_KEY_EXISTS')) throw error
      notice(`Key ${name} of ${directory} not enrolled: ${error.message}`)
    }
  }
}

/**
 * Records the restrictions of the configuration for every key whose own differ, wherever the key was enrolled. A key
 * without a `notary_key` line keeps those that it has.
 * @throws {PluginError} ERR_KEY_RESTRICTIONS
 */
export async function applyRestrictions(
  chain: AuditChain,
  restrictions: ConfiguredRestrictions,
  notice: (message: string) => void,
): Promise<void> {
  for (const [name, wanted] of restrictions) {
    const key = chain.registry.named(name)
    if (key === undefined) notice(`notary_key ${name}: no key has this name yet`)
    else if (key.revokedAt === undefined) await chain.restrict(key.thumbprint, wanted)
  }
}
