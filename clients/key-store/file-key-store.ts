import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { bytesEqual, nobleCrypto, toHex } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { readCounterFile, readIfThere, replaceFile, writeCounterFile } from './counter-file.ts'
import { withFileLock } from './file-lock.ts'
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

/** Where it is kept unless told otherwise. */
export const defaultKeyStoreDirectory: string = join(homedir(), '.notarymq', 'store')

/** A key whose sequence number lies beside its file, where the command line keeps it too. */
export interface KeyInFile {
  readonly path: string
  /** 32 bytes. */
  readonly thumbprint: Uint8Array
}

/** A file per value, in a directory that only its owner reads, and `<KEY>.seq` beside each key that lies in a file. */
export class FileKeyStore implements KeyStore {
  readonly #directory: string
  readonly #keys: readonly KeyInFile[]

  /** @throws {ClientError} ERR_KEY_STORE when the directory cannot be made */
  constructor(directory: string, keys: readonly KeyInFile[] = []) {
    this.#directory = directory
    this.#keys = keys
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
    } catch (cause) {
      throw new ClientError('ERR_KEY_STORE', `cannot make ${directory}`, {}, cause)
    }
  }

  reserveSequenceNumbers(thumbprint: Uint8Array, count: number): Promise<number> {
    const path = this.#sequencePath(thumbprint)
    return this.#locked(path, () => reserveInFile(path, count))
  }

  raiseSequenceNumber(thumbprint: Uint8Array, atLeast: number): Promise<void> {
    const path = this.#sequencePath(thumbprint)
    return this.#locked(path, () => {
      if (readCounterFile(path, firstSequenceNumber) < atLeast) writeCounterFile(path, atLeast)
    })
  }

  countEncryptions(keyName: string, count: number): Promise<void> {
    const path = this.#pathOf(encryptionsName(keyName))
    return this.#locked(path, () => writeCounterFile(path, countedUp(keyName, readCounterFile(path, 0), count)))
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(valueName(name))
    try {
      // Without a lock: files are replaced as a whole.
      return readIfThere(path)
    } catch (cause) {
      throw new ClientError('ERR_KEY_STORE', `cannot read ${path}`, {}, cause)
    }
  }

  set(name: string, value: Uint8Array, ...expected: [Uint8Array?]): Promise<boolean> {
    const path = this.#pathOf(valueName(name))
    return this.#locked(path, () => {
      if (!isAsExpected(readIfThere(path), expected)) return false
      replaceFile(path, value)
      return true
    })
  }

  async #locked<T>(path: string, use: () => T): Promise<T> {
    try {
      return await withFileLock(`${path}.lock`, use)
    } catch (cause) {
      if (cause instanceof ClientError || cause instanceof RangeError) throw cause
      throw new ClientError('ERR_KEY_STORE', `cannot read or write ${path}`, {}, cause)
    }
  }

  #sequencePath(thumbprint: Uint8Array): string {
    const key = this.#keys.find((one) => bytesEqual(one.thumbprint, thumbprint))
    return key === undefined ? this.#pathOf(sequenceName(thumbprint)) : `${key.path}.seq`
  }

  /** Readable for people up to a length; the hash tells what the rest cannot. */
  #pathOf(name: string): string {
    const readable = name.replace(/[^A-Za-z0-9.-]+/g, '_').slice(0, 80)
    const hash = toHex(nobleCrypto.sha256(new TextEncoder().encode(name))).slice(0, 16)
    return join(this.#directory, `${readable}-${hash}`)
  }
}

/** Takes numbers from a file. The caller holds its lock. @returns the first @throws {ClientError} ERR_SEQUENCE_FILE */
export function reserveInFile(path: string, count: number): number {
  const first = readCounterFile(path, firstSequenceNumber)
  writeCounterFile(path, afterReserved(first, count))
  return first
}
