import {
  type AuditStore,
  type Decision,
  nativeCrypto,
  type PluginError,
  Sequencer,
  type StoredBlock,
  type StoreOperation,
  type Submission,
} from '../../plugins/index.ts'
import { BlockSigner, type BuiltBlock, type ChainState, emptyChainState, genesisRecord } from '../../protocol/index.ts'
import { genesis, unsignedPublish } from './golden-chain.ts'
import { keyMeriadoc } from './keys.ts'

/** A store in memory whose writes wait until the test lets them end. */
export class GatedStore implements AuditStore {
  readonly written: StoredBlock[] = []
  readonly also: (readonly StoreOperation[])[] = []
  /** Writes that have begun and not ended. */
  running = 0
  #state: Uint8Array | undefined
  #gate: (() => void) | undefined
  #isOpen = false

  readState(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#state)
  }

  async append(block: StoredBlock, state: Uint8Array, also: readonly StoreOperation[]): Promise<void> {
    this.running++
    if (!this.#isOpen) await new Promise<void>((resolve) => (this.#gate = resolve))
    this.running--
    this.written.push({ firstIndex: block.firstIndex, encoded: Uint8Array.from(block.encoded) })
    this.also.push(also)
    this.#state = state
  }

  /** Lets the running write end, and waits until what follows from it has happened. */
  async letOneEnd(): Promise<void> {
    this.#gate?.()
    this.#gate = undefined
    await turns()
  }

  /** Lets every write end at once from now on. */
  open(): void {
    this.#isOpen = true
    this.#gate?.()
  }

  async write(operations: readonly StoreOperation[]): Promise<void> {
    this.running++
    if (!this.#isOpen) await new Promise<void>((resolve) => (this.#gate = resolve))
    this.running--
    this.also.push(operations)
  }

  reopen(): Promise<void> {
    return Promise.resolve()
  }

  blockAt(index: number): Promise<StoredBlock | undefined> {
    return Promise.resolve(this.written.findLast(({ firstIndex }) => firstIndex <= index))
  }

  blocksAt(index: number, count: number): Promise<readonly StoredBlock[]> {
    const first = this.written.findLastIndex(({ firstIndex }) => firstIndex <= index)
    return Promise.resolve(first === -1 ? [] : this.written.slice(first, first + count))
  }

  blocksUpTo(index: number, count: number): Promise<readonly StoredBlock[]> {
    const end = 1 + this.written.findLastIndex(({ firstIndex }) => firstIndex <= index)
    return Promise.resolve(this.written.slice(Math.max(0, end - count), end).reverse())
  }

  async *blocks(): AsyncIterable<StoredBlock> {
    yield* this.written
  }
}

/** Lets everything that is due happen: promises, and a few turns of the event loop. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A sequencer with everything that it told. */
export interface TestSequencer {
  readonly sequencer: Sequencer
  readonly blocks: BuiltBlock[]
  readonly failures: PluginError[]
  /** Of the outage that lasts. */
  readonly outages: PluginError[]
}

/** The broker key of the golden chain signs. @param state where to go on; default: a new chain */
export function sequencerOn(
  store: AuditStore,
  options: { readonly state?: ChainState; readonly now?: () => number; readonly onBuilt?: () => void } = {},
): TestSequencer {
  const blocks: BuiltBlock[] = []
  const failures: PluginError[] = []
  const outages: PluginError[] = []
  const sequencer = new Sequencer({
    store,
    state: options.state ?? emptyChainState(nativeCrypto),
    tiles: { append: () => [] },
    signer: new BlockSigner(keyMeriadoc, nativeCrypto),
    crypto: nativeCrypto,
    now: options.now ?? (() => Date.now()),
    onBuilt: options.onBuilt ?? (() => {}),
    onBlock: (block) => blocks.push(block),
    onOutage: (error) => outages.push(error),
    onRecovered: () => outages.splice(0),
    onFailure: (error) => failures.push(error),
  })
  return { sequencer, blocks, failures, outages }
}

/** What became of a submission. */
export interface Witness extends Submission {
  /** Index it was offered; undefined until it was decided. */
  readonly index: number | undefined
  readonly isSettled: boolean
}

/**
 * Something to submit.
 * @param record what to record at a time; undefined: a refusal, which only keeps its place
 * @param order gets the name when it is settled
 */
export function submission(
  name: string,
  record: ((timeMs: number) => Decision) | undefined,
  order: string[] = [],
  bytes = 512,
): Witness {
  const witness = {
    index: undefined as number | undefined,
    isSettled: false,
    bytes,
    decide: (index: number, timeMs: number) => {
      witness.index = index
      return record?.(timeMs)
    },
    settle: () => {
      witness.isSettled = true
      order.push(name)
    },
  }
  return witness
}

export const genesisDecision = (timeMs: number): Decision => ({
  record: genesisRecord(genesis, timeMs),
  body: undefined,
})

/** An unsigned publish with this text as its payload. */
export const publishDecision =
  (text: string) =>
  (timeMs: number): Decision =>
    unsignedPublish({ topic: 'sequencer', body: Buffer.from(text), timeMs }, nativeCrypto)
