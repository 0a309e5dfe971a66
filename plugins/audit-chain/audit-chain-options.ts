import type { Genesis, KeyRegistry, Predecessor, TileSource } from '../../protocol/index.ts'
import type { PluginError } from '../errors.ts'
import type { KeyCustody } from './broker-keys.ts'
import type { StoreDatabase } from './level-store.ts'
import type { SeqReuseAlarm } from './seq-reuse-reporter.ts'

export interface AuditChainOptions {
  /** Data directory: `store/`, `keys/`, `head`. Created when absent. */
  readonly location: string
  /** Name of the log, fixed by its first start. Default `notarymq/<16 hex of the broker's thumbprint>`. */
  readonly origin?: string
  /** The log that a new one continues. Default: none. */
  readonly continues?: Predecessor
  /** Told of what cannot be thrown to anyone: a head file that could not be written, a failed store. */
  readonly onError?: (error: unknown) => void
  /** Told when the store takes no writes, and after every attempt to open it again that failed. */
  readonly onOutage?: (error: PluginError) => void
  /** Told when the store took writes again; everything that waited goes on. */
  readonly onRecovered?: () => void
  /** How the private keys of the notary are kept. Default: in `keys/`, without protection. */
  readonly custody?: KeyCustody
  /** Told of what an operator may want to do. */
  readonly onNotice?: (message: string) => void
  /** Told of every durable block: its signed header. */
  readonly onBlock?: (signedHeader: Uint8Array) => void
  /** Told of what an operator should look into at once. */
  readonly onAlarm?: (alarm: SeqReuseAlarm) => void
  /** Looks at what was found before anything is appended; what it throws stops the start. Default: takes it as it is. */
  readonly guard?: (found: FoundChain) => Promise<void>
  /** Wall clock in milliseconds; for tests. */
  readonly now?: () => number
  /** Records between two snapshots of keys and sequence numbers. Default 50000. */
  readonly recordsPerSnapshot?: number
}

/** A chain as the start found it; a new one has its identity and no records. */
export interface FoundChain {
  readonly database: StoreDatabase
  readonly genesis: Genesis
  readonly registry: KeyRegistry
  readonly treeSize: number
  readonly tiles: TileSource
}
