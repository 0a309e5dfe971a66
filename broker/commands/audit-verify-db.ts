import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Output, parseOptions, printVerification } from '../../clients/cli/index.ts'
import {
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  PluginError,
  parsePublicKeyPem,
  verifyStore,
} from '../../plugins/index.ts'
import { dataDirectoryOf } from './data-directory-of.ts'

/**
 * `audit verify --db DIR`: verifies the chain of a stopped broker, or of a copy of its data directory.
 * @returns 0 when everything is as it was signed, 1 when not, with the first bad place
 */
export async function auditVerifyDb(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    db: { type: 'string' },
    'broker-key': { type: 'string' },
    json: { type: 'boolean' },
  })
  const directory = dataDirectoryOf(values.db as string)
  const keyPath = values['broker-key'] ?? join(directory, 'keys', 'broker.pub.pem')
  const headPath = join(directory, 'head')
  const database = await openStoreDatabase(directory, false)
  try {
    const isKeyThere = existsSync(keyPath)
    if (!isKeyThere && values['broker-key'] !== undefined) {
      throw new PluginError('ERR_KEY_FILE', `${keyPath} is missing`)
    }
    if (!isKeyThere) output.error(`warning: ${keyPath} is missing; trusting the broker key that the chain itself names`)
    if (!existsSync(headPath))
      output.error(`warning: ${headPath} is missing; blocks cut off at the end cannot be noticed`)
    const result = await verifyStore({
      store: new LevelAuditStore(database),
      ...(isKeyThere ? { brokerKey: parsePublicKeyPem(readFileSync(keyPath, 'utf8'), nativeCrypto) } : undefined),
      ...(existsSync(headPath) ? { head: readFileSync(headPath) } : undefined),
      onProgress: (records) => {
        if (process.stderr.isTTY) process.stderr.write(`\r${records} records`)
      },
    })
    if (process.stderr.isTTY) process.stderr.write('\r')
    return printVerification(result, values.json === true, output)
  } finally {
    await database.close()
  }
}
