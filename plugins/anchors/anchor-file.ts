import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import {
  type AnchorContent,
  type P256PublicKey,
  ProtocolError,
  parseAnchor,
  verifyAnchor,
} from '../../protocol/index.ts'
import { replaceFileDurably } from '../audit-chain/index.ts'
import { PluginError } from '../errors.ts'
import { nativeCrypto } from '../native-crypto.ts'
import { type LogIdentity, logOf } from './log-identity.ts'

/** Of more than a million keys. */
const maxAnchorBytes = 64 * 1024 * 1024
const fileName = 'anchor'

/** A file on another disk that holds what the chain must extend at every start. */
export class AnchorFile {
  /** As configured, absolute: what the store remembers it by, also while the disk is not there. */
  readonly place: string
  readonly path: string

  /** @param path of the file; of a directory, which then gets a file `anchor`, where it is one or ends in a slash */
  constructor(path: string) {
    this.place = resolve(path)
    const isDirectory = path.endsWith('/') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
    this.path = isDirectory ? join(this.place, fileName) : this.place
  }

  /**
   * What was written last, signature and all; undefined when there is no file.
   * @param logs of one of which it must be
   * @throws {PluginError} ERR_ANCHOR_UNREADABLE, ERR_ANCHOR_INVALID, ERR_ANCHOR_OTHER_LOG
   */
  async read(logs: readonly LogIdentity[]): Promise<AnchorContent | undefined> {
    const signed = this.#readBytes()
    if (signed === undefined) return undefined
    try {
      const content = parseAnchor(signed)
      await checkSigned(signed, logOf(content.note, logs, this.path).brokerKeys)
      return content
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      throw new PluginError('ERR_ANCHOR_INVALID', `${this.path} is not an anchor that this broker signed`, {}, cause)
    }
  }

  /** @throws {PluginError} ERR_ANCHOR_WRITE_FAILED */
  async write(signed: Uint8Array): Promise<void> {
    try {
      await replaceFileDurably(this.path, signed, 0o644)
    } catch (cause) {
      throw new PluginError('ERR_ANCHOR_WRITE_FAILED', `the anchor ${this.path} cannot be written`, {}, cause)
    }
  }

  #readBytes(): Uint8Array | undefined {
    if (!existsSync(dirname(this.path))) throw this.#unreadable('its directory does not exist')
    try {
      const { size } = statSync(this.path)
      if (size > maxAnchorBytes) throw this.#unreadable('it is too large to be one')
      return readFileSync(this.path)
    } catch (cause) {
      if (cause instanceof PluginError) throw cause
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw this.#unreadable('see the cause', cause)
    }
  }

  #unreadable(why: string, cause?: unknown): PluginError {
    return new PluginError('ERR_ANCHOR_UNREADABLE', `the anchor ${this.path} cannot be read: ${why}`, {}, cause)
  }
}

/** @throws {ProtocolError} of the last key, when none signed it */
async function checkSigned(signed: Uint8Array, brokerKeys: readonly P256PublicKey[]): Promise<void> {
  let refusal: ProtocolError | undefined
  for (const key of brokerKeys) {
    try {
      return await verifyAnchor(signed, key, nativeCrypto)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      refusal = error
    }
  }
  throw refusal ?? new RangeError('no broker key to verify an anchor with')
}
