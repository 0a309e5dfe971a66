import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { printVerification, verifyOptions, verifyParams } from '../../clients/cli/audit-verify.ts'
import { type Output, parseOptions, usageError } from '../../clients/cli/command.ts'
import { ProgressBar } from '../../clients/cli/progress-bar.ts'
import {
  LevelAuditStore,
  nativeCrypto,
  openStoreDatabase,
  PluginError,
  parsePublicKeyPem,
  storedCheckpoint,
  TileTable,
  verifyStore,
} from '../../plugins/index.ts'
import { recordReferences } from '../sessions/record-references.ts'
import { dataDirectoryOf } from './data-directory.ts'

/**
 * `audit verify --db DIR`: verifies the chain of a stopped broker, or of a copy of its data directory.
 * @returns 0 when everything is as it was signed, 1 when not, with the first bad place
 */
export async function auditVerifyDb(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    db: { type: 'string' },
    'broker-key': { type: 'string' },
    checkpoint: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    ...verifyOptions,
  })
  const params = verifyParams(values)
  const directory = dataDirectoryOf(values.db as string)
  const keyPath = values['broker-key'] ?? join(directory, 'keys', 'broker.pub.pem')
  const headPath = join(directory, 'head')
  const kept = (values.checkpoint ?? []).map((file) => ({ note: readCheckpoint(file), place: file }))
  const database = await openStoreDatabase(directory, false)
  try {
    const isKeyThere = existsSync(keyPath)
    if (!isKeyThere && values['broker-key'] !== undefined) {
      throw new PluginError('ERR_KEY_FILE', `${keyPath} is missing`)
    }
    if (!isKeyThere) output.error(`warning: ${keyPath} is missing; trusting the broker key that the chain itself names`)
    if (!existsSync(headPath))
      output.error(`warning: ${headPath} is missing; blocks cut off at the end cannot be noticed`)
    const stored = await storedCheckpoint(database)
    const bar = new ProgressBar(process.stderr)
    const result = await verifyStore({
      ...params,
      store: new LevelAuditStore(database),
      tiles: new TileTable(database),
      references: () => recordReferences(database),
      checkpoints: [...(stored === undefined ? [] : [{ ...stored, place: 'the store' }]), ...kept],
      ...(isKeyThere ? { brokerKey: parsePublicKeyPem(readFileSync(keyPath, 'utf8'), nativeCrypto) } : undefined),
      ...(existsSync(headPath) ? { head: readFileSync(headPath) } : undefined),
      onProgress: (progress) => bar.show(progress),
    }).finally(() => bar.end())
    return printVerification(result, values.json === true, output)
  } finally {
    await database.close()
  }
}

/** A signed note is short. */
const maxNoteBytes = 64 * 1024

/** @throws {ClientError} ERR_USAGE */
function readCheckpoint(file: string): string {
  try {
    if (statSync(file).size <= maxNoteBytes) return readFileSync(file, 'utf8')
  } catch (cause) {
    throw usageError(`cannot read ${file}`, cause)
  }
  throw usageError(`${file} is too large for a checkpoint`)
}
