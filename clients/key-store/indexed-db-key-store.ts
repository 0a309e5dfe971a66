import { ClientError } from '../errors.ts'
import { generateWebCryptoKeys, type WebCryptoKeys } from '../sdk/signer.ts'
import {
  afterReserved,
  countedUp,
  encryptionsName,
  firstSequenceNumber,
  isAsExpected,
  type KeyStore,
  sequenceName,
  valueName,
} from './key-store.ts'

/** What of IndexedDB (W3C Indexed Database API 3.0) is used; Node has no types for it. */
interface DbRequest<T> {
  readonly result: T
  readonly error: unknown
  onsuccess: (() => void) | null
  onerror: (() => void) | null
}
interface DbOpenRequest extends DbRequest<Db> {
  onupgradeneeded: (() => void) | null
  onblocked: (() => void) | null
}
interface Db {
  createObjectStore(name: string): unknown
  transaction(stores: string, mode: 'readonly' | 'readwrite', options?: { durability: 'strict' }): DbTransaction
  close(): void
  onclose: (() => void) | null
  onversionchange: (() => void) | null
}
interface DbTransaction {
  readonly error: unknown
  objectStore(name: string): DbStore
  oncomplete: (() => void) | null
  onabort: (() => void) | null
  abort(): void
}
interface DbStore {
  get(key: string): DbRequest<unknown>
  put(value: unknown, key: string): unknown
}
interface DbFactory {
  open(name: string, version: number): DbOpenRequest
}

const storeName = 'values'
const ownKeysName = 'own-keys'

/**
 * One object store of an IndexedDB database. Transactions that write are atomic and come one after the other, those of
 * other tabs too, so nothing else has to be locked; `strict` makes them durable before they complete.
 */
export class IndexedDbKeyStore implements KeyStore {
  readonly #name: string
  #database: Promise<Db> | undefined

  /** @param name of the database, one for each origin */
  constructor(name = 'notarymq') {
    this.#name = name
  }

  reserveSequenceNumbers(thumbprint: Uint8Array, count: number): Promise<number> {
    return this.#update(sequenceName(thumbprint), (present) => {
      const first = counterIn(present, firstSequenceNumber)
      return { result: first, write: afterReserved(first, count) }
    })
  }

  raiseSequenceNumber(thumbprint: Uint8Array, atLeast: number): Promise<void> {
    return this.#update(sequenceName(thumbprint), (present) => {
      const next = Math.max(counterIn(present, firstSequenceNumber), atLeast)
      return { result: undefined, write: next }
    })
  }

  countEncryptions(keyName: string, count: number): Promise<void> {
    return this.#update(encryptionsName(keyName), (present) => {
      return { result: undefined, write: countedUp(keyName, counterIn(present, 0), count) }
    })
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return this.#update(valueName(name), (present) => ({ result: bytesIn(present), write: undefined }))
  }

  set(name: string, value: Uint8Array, ...expected: [Uint8Array?]): Promise<boolean> {
    return this.#update(valueName(name), (present) => {
      const mayWrite = isAsExpected(bytesIn(present), expected)
      return { result: mayWrite, write: mayWrite ? value.slice() : undefined }
    })
  }

  /**
   * The key pair of this store, which no script can read: made at the first call, and the same from then on in all tabs.
   * @throws {ClientError} ERR_KEY_STORE
   */
  async ownKeys(): Promise<WebCryptoKeys> {
    const kept = await this.#update(ownKeysName, (present) => ({ result: keysIn(present), write: undefined }))
    if (kept !== undefined) return kept
    // A transaction does not wait for it.
    const made = await generateWebCryptoKeys()
    return this.#update(ownKeysName, (present) => {
      const first = keysIn(present)
      return { result: first ?? made, write: first === undefined ? made : undefined }
    })
  }

  /** Reads and writes one value in one transaction. @param change `write` undefined: nothing is written */
  async #update<T>(name: string, change: (present: unknown) => { result: T; write: unknown }): Promise<T> {
    const database = await this.#open()
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(storeName, 'readwrite', { durability: 'strict' })
      const store = transaction.objectStore(storeName)
      const reading = store.get(name)
      let changed: { result: T; write: unknown } | undefined
      let failure: unknown
      reading.onsuccess = () => {
        try {
          changed = change(reading.result)
          if (changed.write !== undefined) store.put(changed.write, name)
        } catch (cause) {
          failure = cause
          transaction.abort()
        }
      }
      transaction.oncomplete = () => {
        if (changed !== undefined) resolve(changed.result)
      }
      transaction.onabort = () => {
        const isOfCaller = failure instanceof ClientError || failure instanceof RangeError
        reject(isOfCaller ? failure : broken(failure ?? transaction.error))
      }
    })
  }

  #open(): Promise<Db> {
    if (this.#database !== undefined) return this.#database
    // The next call tries again.
    const forget = () => {
      if (this.#database === opening) this.#database = undefined
    }
    const opening = opened(this.#name, forget).catch((cause: unknown) => {
      forget()
      throw cause
    })
    this.#database = opening
    return opening
  }

  /** Lets other tabs delete or upgrade the database. The next call opens it again. */
  async close(): Promise<void> {
    const database = await this.#database
    this.#database = undefined
    database?.close()
  }
}

/** @param onEnd told when the database cannot be used any more */
function opened(name: string, onEnd: () => void): Promise<Db> {
  const { indexedDB } = globalThis as { indexedDB?: DbFactory }
  if (indexedDB === undefined) throw broken('there is no IndexedDB here')
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(storeName)
    request.onsuccess = () => {
      const database = request.result
      // The browser ends it, as when the site's data is cleared.
      database.onclose = onEnd
      // Another tab deletes it, or has a newer version of it, and waits.
      database.onversionchange = () => {
        database.close()
        onEnd()
      }
      resolve(database)
    }
    request.onerror = () => reject(broken(request.error))
    request.onblocked = () => reject(broken('another tab holds an older version open'))
  })
}

function counterIn(present: unknown, absent: number): number {
  if (present === undefined) return absent
  if (typeof present !== 'number') throw broken('a counter is no number')
  return present
}

function bytesIn(present: unknown): Uint8Array | undefined {
  if (present === undefined || present instanceof Uint8Array) return present
  throw broken('a value is no bytes')
}

function keysIn(present: unknown): WebCryptoKeys | undefined {
  if (present === undefined) return undefined
  const parts = ['signing', 'agreement', 'publicKey']
  if (typeof present !== 'object' || present === null || !parts.every((part) => part in present)) {
    throw broken('keys are no keys')
  }
  return present as WebCryptoKeys
}

function broken(cause: unknown): ClientError {
  const why = cause instanceof Error || typeof cause === 'string' ? `: ${cause}` : ''
  return new ClientError('ERR_KEY_STORE', `the key store of this browser cannot be used${why}`, {}, cause)
}
