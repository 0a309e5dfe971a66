import { join } from 'node:path'
import type { AuditBackupResult } from '../../protocol/index.ts'
import type { AuditChain } from '../audit-chain/index.ts'
import { backUp } from '../backup/index.ts'
import { PluginError } from '../errors.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'
import type { RequestLine } from './verify-method.ts'

/** Where copies of the data directory of a broker go. */
export interface BackupPlace {
  /** Data directory of the broker. */
  readonly location: string
  /** Has one directory for each copy. */
  readonly directory: string
  /** Room that has to be left on its disk, as it is now. */
  readonly minFreeBytes: () => number
}

/** One component of a path, which is not hidden and cannot be taken for an option. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Between two notifications of how far it is. */
const progressIntervalMs = 1000

/** `audit.backup`: one at a time. */
export class BackupMethod {
  readonly #chain: AuditChain
  readonly #place: BackupPlace | undefined
  #isRunning = false

  constructor(chain: AuditChain, place: BackupPlace | undefined) {
    this.#chain = chain
    this.#place = place
  }

  /** @throws {AdminError} method-not-found, invalid-params, too-busy, no-room; {PluginError} ERR_BACKUP_FAILED */
  async run(params: ParamReader, { id, notify, signal }: RequestLine): Promise<AuditBackupResult> {
    const name = params.optionalText('name', 64)
    params.end()
    if (this.#place === undefined) throw new AdminError('method-not-found', 'notary_backup names no directory')
    if (name === undefined || !namePattern.test(name)) {
      throw new AdminError('invalid-params', 'name is letters, digits, dots, hyphens and underscores')
    }
    if (this.#isRunning) throw new AdminError('too-busy', 'a backup is being made already')
    this.#isRunning = true
    const { location, directory, minFreeBytes } = this.#place
    const total = this.#chain.nextIndex
    let told = performance.now()
    const onProgress = (records: number) => {
      if (performance.now() - told < progressIntervalMs) return
      told = performance.now()
      notify?.({ jsonrpc: '2.0', method: 'audit.progress', params: { id, records, total } })
    }
    try {
      const options = { onProgress, minFreeBytes, ...(signal === undefined ? undefined : { signal }) }
      return { name, ...(await backUp(this.#chain.database, location, join(directory, name), options)) }
    } catch (error) {
      // The path on the machine of the broker is not for those who ask.
      if (error instanceof PluginError && error.code === 'ERR_BACKUP_EXISTS') {
        throw new AdminError('invalid-params', 'there is one of that name')
      }
      if (error instanceof PluginError && error.code === 'ERR_BACKUP_NO_ROOM') {
        throw new AdminError('no-room', `${error.details.freeBytes} bytes are free`)
      }
      throw error
    } finally {
      this.#isRunning = false
    }
  }
}
