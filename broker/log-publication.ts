import { type AuditChain, type CheckpointKeeper, ExportService, PublicLog, publicKeyFiles } from '../plugins/index.ts'
import { answerFromLog, type OpenHttpServer, openHttpListener } from './http/index.ts'
import type { BrokerLogger } from './logger.ts'
import type { ResolvedBrokerOptions } from './options.ts'

export interface LogPublicationOptions {
  /** As they were at start. */
  readonly options: Pick<ResolvedBrokerOptions, 'logListeners' | 'logExport'>
  readonly chain: AuditChain
  readonly checkpoints: CheckpointKeeper
  readonly log: Pick<BrokerLogger, 'debug'>
  readonly onError: (error: unknown) => void
}

/** What others get of the log without asking the broker over MQTT: files over HTTP, and an export on a disk. */
export class LogPublication {
  readonly #options: LogPublicationOptions
  readonly #listeners: OpenHttpServer[] = []
  readonly #export: ExportService | undefined

  constructor(options: LogPublicationOptions) {
    this.#options = options
    const { chain, checkpoints, log, onError } = options
    const { logExport } = options.options
    if (logExport === undefined) return
    const { store, tiles, genesis, registry } = chain
    this.#export = new ExportService({
      source: { store, tiles, keys: publicKeyFiles(genesis.origin, registry.notary) },
      checkpoints,
      directory: logExport.directory,
      intervalMs: logExport.intervalSeconds * 1000,
      onError,
      onExported: ({ from, to }) => log.debug(`Exported the records ${from} to ${to - 1}.`),
    })
  }

  /** URLs of the listeners. */
  get urls(): readonly string[] {
    return this.#listeners.map(({ url }) => url)
  }

  /** @throws {BrokerError} ERR_LISTEN_FAILED */
  async start(): Promise<void> {
    const { options, chain, checkpoints, onError } = this.#options
    const files = new PublicLog({ store: chain.store, tiles: chain.tiles, checkpoints })
    for (const listener of options.logListeners) {
      const answer = (method: string, target: string) => answerFromLog(files, method, target)
      this.#listeners.push(await openHttpListener('notary_http_log', listener, { answer, onError }))
    }
    this.#export?.start()
  }

  /** Serves nothing any more, and brings an export that has begun up to the last checkpoint: call it when that is made. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    await this.#export?.close()
  }
}
