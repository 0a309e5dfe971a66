import { encodeIndex } from '../../plugins/audit-chain/level-store.ts'
import { openStoreDatabase, type StoreDatabase } from '../../plugins/index.ts'
import { type Block, decodeBlock } from '../../protocol/index.ts'

const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const

/** The blocks of a stored chain, to be changed behind its broker's back. */
export class BlockTable {
  readonly #blocks
  readonly #meta
  readonly #snapshot
  /** First indexes in the order of the chain: the keys. */
  readonly keys: readonly number[]

  private constructor(database: StoreDatabase, keys: readonly number[]) {
    this.#blocks = database.sublevel<Uint8Array, Uint8Array>('chain', encodings)
    this.#meta = database.sublevel<Uint8Array, Uint8Array>('chain-meta', encodings)
    this.#snapshot = database.sublevel<Uint8Array, Uint8Array>('snapshot', encodings)
    this.keys = keys
  }

  static async of(database: StoreDatabase): Promise<BlockTable> {
    const keys = await database.sublevel<Uint8Array, Uint8Array>('chain', encodings).keys().all()
    const indexes = keys.map((key) => Number(Buffer.from(key).readBigUInt64BE(0)))
    return new BlockTable(database, indexes)
  }

  async get(key: number): Promise<Uint8Array> {
    const encoded = await this.#blocks.get(encodeIndex(key))
    if (encoded === undefined) throw new Error(`no block at ${key}`)
    return Uint8Array.from(encoded)
  }

  async put(key: number, encoded: Uint8Array): Promise<void> {
    await this.#blocks.put(encodeIndex(key), encoded)
  }

  async remove(key: number): Promise<void> {
    await this.#blocks.del(encodeIndex(key))
  }

  /** Changes a block in place: what `change` is given are views into the stored bytes. */
  async alter(key: number, change: (block: Block) => void): Promise<void> {
    const encoded = await this.get(key)
    change(decodeBlock(encoded))
    await this.put(key, encoded)
  }

  /** Takes the snapshot away, so that the next start walks the whole chain. */
  forgetSnapshot(): Promise<void> {
    return this.#snapshot.clear()
  }

  async state(): Promise<Uint8Array> {
    const state = await this.#meta.get(Buffer.from('state'))
    if (state === undefined) throw new Error('no state')
    return Uint8Array.from(state)
  }

  async putState(state: Uint8Array): Promise<void> {
    await this.#meta.put(Buffer.from('state'), state)
  }
}

/** Opens the store of a stopped broker, lets `change` at its blocks, closes it. */
export async function tamper(location: string, change: (blocks: BlockTable) => Promise<unknown>): Promise<void> {
  const database = await openStoreDatabase(location, false)
  try {
    await change(await BlockTable.of(database))
  } finally {
    await database.close()
  }
}

/** Flips the lowest bit of one byte, counted from the end when negative. */
export function flip(bytes: Uint8Array | undefined, at: number): void {
  if (bytes === undefined) throw new Error('nothing to alter')
  const offset = at < 0 ? bytes.length + at : at
  bytes[offset] = (bytes[offset] as number) ^ 1
}
