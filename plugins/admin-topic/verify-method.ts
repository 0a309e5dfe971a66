import { availableParallelism } from 'node:os'
import type { AuditVerifyResult, JsonRpcNotification } from '../../protocol/index.ts'
import { type AuditChain, TileTable } from '../audit-chain/index.ts'
import { verifyStore } from '../audit-verify/index.ts'
import { AdminError } from './errors.ts'
import type { ParamReader } from './params.ts'

/** The way back to a requester whose answer takes a while. */
export interface RequestLine {
  /** Of the request. */
  readonly id: string | number
  /** Tells it how far the answer is. Default: it is not told. */
  readonly notify?: (notification: JsonRpcNotification) => void
  /** Aborted when it is gone. */
  readonly signal?: AbortSignal
}

/** `audit.verify`: one at a time, and on one core less than there are, since publishes go on meanwhile. */
export class VerifyMethod {
  readonly #chain: AuditChain
  readonly #tiles: TileTable
  #isRunning = false

  constructor(chain: AuditChain) {
    this.#chain = chain
    this.#tiles = new TileTable(chain.database)
  }

  /** @throws {AdminError} invalid-params, too-busy; {PluginError} ERR_VERIFY_STOPPED */
  async run(params: ParamReader, { id, notify, signal }: RequestLine): Promise<AuditVerifyResult> {
    const fromIndex = params.optionalIndex('fromIndex')
    const toIndex = params.optionalIndex('toIndex')
    const hashesOnly = params.optionalBoolean('hashesOnly')
    params.end()
    if (this.#isRunning) throw new AdminError('too-busy', 'the chain is being verified already')
    this.#isRunning = true
    try {
      const { store, genesis } = this.#chain
      return await verifyStore({
        store,
        tiles: this.#tiles,
        brokerKey: genesis.brokerKey,
        threads: Math.max(1, availableParallelism() - 1),
        ...(fromIndex === undefined ? undefined : { fromIndex }),
        ...(toIndex === undefined ? undefined : { toIndex }),
        ...(hashesOnly === undefined ? undefined : { hashesOnly }),
        ...(signal === undefined ? undefined : { signal }),
        onProgress: (progress) => notify?.({ jsonrpc: '2.0', method: 'audit.progress', params: { id, ...progress } }),
      })
    } finally {
      this.#isRunning = false
    }
  }
}
