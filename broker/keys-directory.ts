import { type AuditChain, nativeCrypto, PluginError, readKeysDirectory } from '../plugins/index.ts'

/**
 * Enrols what `notary_keys` holds and the log does not know yet. A file that goes away revokes nothing.
 * @throws {PluginError} ERR_KEY_FILE, ERR_KEY_NAME_TAKEN, ERR_KEY_KID_COLLISION, ERR_KEY_NAME_INVALID
 */
export async function enrollFromDirectory(
  chain: AuditChain,
  directory: string,
  notice: (message: string) => void,
): Promise<void> {
  for (const { name, key } of readKeysDirectory(directory, nativeCrypto)) {
    try {
      await chain.enroll(key, name)
    } catch (error) {
      // A file cannot bring back a revoked key or rename one, and must not keep the broker from starting.
      if (!(error instanceof PluginError && error.code === 'ERR_KEY_EXISTS')) throw error
      notice(`Key ${name} of ${directory} not enrolled: ${error.message}`)
    }
  }
}
