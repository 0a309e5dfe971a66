import { hashBytes, type LogFile, logFilePath, tileWidth } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { type FetchLimits, fetchBounded } from './fetch-bounded.ts'

/** A log as its files, wherever they come from. */
export interface RemoteLog {
  /** @throws {ClientError} ERR_LOG_UNREACHABLE */
  checkpoint(): Promise<Uint8Array>
  /** At least what was asked for. @throws {ClientError} ERR_LOG_UNREACHABLE */
  read(file: TileOrEntries): Promise<Uint8Array>
  /** Nothing more will be asked. */
  close(): Promise<void>
}

export type TileOrEntries = Extract<LogFile, { kind: 'tile' }> | { kind: 'entries'; index: number; width: number }

const maxNoteBytes = 256 * 1024

/** A log that is served over HTTP (C2SP tlog-tiles). */
export class HttpLog implements RemoteLog {
  readonly #prefix: URL
  readonly #limits: Omit<FetchLimits, 'maxBytes'>

  /** @param prefix with a slash at its end */
  constructor(prefix: URL, limits: Omit<FetchLimits, 'maxBytes'>) {
    this.#prefix = prefix
    this.#limits = limits
  }

  async checkpoint(): Promise<Uint8Array> {
    const note = await this.#get({ kind: 'checkpoint' }, maxNoteBytes)
    if (note === undefined) throw this.#missing('checkpoint')
    return note
  }

  /** A partial file that is gone was replaced by the full one. */
  async read(file: TileOrEntries): Promise<Uint8Array> {
    const most = tileWidth * (file.kind === 'tile' ? hashBytes : 2 + 0xffff)
    const found = await this.#get(file, most)
    if (found !== undefined) return found
    const whole = file.width < tileWidth ? await this.#get({ ...file, width: tileWidth }, most) : undefined
    if (whole === undefined) throw this.#missing(logFilePath(file))
    return whole
  }

  /** Every request has a connection of its own. */
  async close(): Promise<void> {}

  #get(file: LogFile, maxBytes: number): Promise<Uint8Array | undefined> {
    return fetchBounded(new URL(logFilePath(file), this.#prefix), { ...this.#limits, maxBytes })
  }

  #missing(path: string): ClientError {
    return new ClientError('ERR_LOG_UNREACHABLE', `${this.#prefix.host} has no ${path}`)
  }
}
