import { openStoreDatabase, type StoreDatabase, storeSublevel } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** No origin is empty. */
const vkeyKey = new Uint8Array(0)

/**
 * What a witness remembers: under which key it cosigns, and of each log the checkpoint that it cosigned last. Held open, so
 * that no second process cosigns from the same memory.
 */
export class WitnessState {
  readonly #database: StoreDatabase
  readonly #entries

  private constructor(database: StoreDatabase) {
    this.#database = database
    this.#entries = storeSublevel(database, 'witness')
  }

  /**
   * @param directory created when absent
   * @throws {PluginError} ERR_STORE_LOCKED, ERR_STORE_FORMAT_UNKNOWN, ERR_STORE_FAILED
   */
  static async open(directory: string): Promise<WitnessState> {
    return new WitnessState(await openStoreDatabase(directory))
  }

  /** Verifier key of the witness; undefined when it never was one. @throws {PluginError} ERR_STORE_FAILED */
  readVkey(): Promise<string | undefined> {
    return this.#read(vkeyKey)
  }

  /** @throws {PluginError} ERR_STORE_FAILED */
  writeVkey(vkey: string): Promise<void> {
    return this.#write(vkeyKey, vkey)
  }

  /** The signed note that was cosigned last, with the cosignature. @throws {PluginError} ERR_STORE_FAILED */
  readNote(origin: string): Promise<string | undefined> {
    return this.#read(encoder.encode(origin))
  }

  /**
   * Durable when it resolves.
   * @throws {PluginError} ERR_STORE_FAILED: it may have been stored, or not
   */
  writeNote(origin: string, note: string): Promise<void> {
    return this.#write(encoder.encode(origin), note)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #read(key: Uint8Array): Promise<string | undefined> {
    try {
      const value = await this.#entries.get(key)
      return value === undefined ? undefined : decoder.decode(value)
    } catch (cause) {
      throw new PluginError('ERR_STORE_FAILED', 'cannot read what was cosigned', {}, cause)
    }
  }

  async #write(key: Uint8Array, value: string): Promise<void> {
    const entry = { type: 'put' as const, sublevel: this.#entries, key, value: encoder.encode(value) }
    try {
      await this.#database.batch([entry], { sync: true })
    } catch (cause) {
      throw new PluginError('ERR_STORE_FAILED', 'cannot store what is cosigned', {}, cause)
    }
  }
}
