import { createHmac, timingSafeEqual } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { encodeFrame, FrameReader, type LinkFrame, ProtocolError } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'

/** What both ends of a secure link agree on. */
export interface LinkSettings {
  /** Shared key of the MACs, at least 32 bytes. */
  readonly macKey: Uint8Array
  /** Longest content that is taken or sent, in bytes. Default 1 MiB. */
  readonly maxContentBytes?: number
}

const leastKeyBytes = 32
const defaultMaxContentBytes = 1024 * 1024

/**
 * One end of a secure link: over TLS, frames of a length (u32, big-endian), content, and HMAC-SHA256 of the content.
 *
 * TLS keeps frames in order and apart from those of other connections. Where it ends at a proxy, the MAC still shows
 * every altered content, but not that frames are missing, repeated or moved: a `protocol notary-link` has counters.
 */
export class SecureLink {
  /** The connection below: certificate, cipher, addresses. */
  readonly socket: TLSSocket
  readonly #macKey: Uint8Array
  readonly #maxContentBytes: number
  readonly #contents: AsyncGenerator<Uint8Array, undefined>
  #failure: unknown

  /** @throws {ClientError} ERR_LINK_OPTIONS when the key is too short */
  constructor(socket: TLSSocket, { macKey, maxContentBytes = defaultMaxContentBytes }: LinkSettings) {
    checkMacKey(macKey)
    this.socket = socket
    this.#macKey = macKey
    this.#maxContentBytes = maxContentBytes
    this.#contents = this.#read()
    // Whoever sends or receives next learns of it.
    socket.on('error', (cause) => this.#fail(new ClientError('ERR_CONNECTION', 'the secure link broke', {}, cause)))
  }

  /**
   * Sends one frame.
   * @returns when the system has taken it, so that who waits holds no more than one in memory
   * @throws {ClientError} ERR_CONNECTION; ERR_LINK_OPTIONS when it is too long
   */
  async send(content: Uint8Array): Promise<void> {
    if (content.length > this.#maxContentBytes) {
      throw new ClientError(
        'ERR_LINK_OPTIONS',
        `a content of ${content.length} bytes, where ${this.#maxContentBytes} go`,
      )
    }
    const frame = encodeFrame(content, this.#macOf(content))
    await new Promise<void>((resolve, reject) => {
      this.socket.write(frame, (cause) => {
        if (!cause) resolve()
        else reject(this.#failure ?? new ClientError('ERR_CONNECTION', 'the secure link is closed', {}, cause))
      })
    })
  }

  /**
   * The content of the next frame; undefined when the other end has ended its side between two frames.
   * @throws {ProtocolError} ERR_MAC_INVALID, ERR_LINK_FRAME_TOO_LARGE. As after any error the link is closed, and
   * everything later throws the same
   * @throws {ClientError} ERR_LINK_CUT_OFF, ERR_CONNECTION
   */
  async receive(): Promise<Uint8Array | undefined> {
    if (this.#failure !== undefined) throw this.#failure
    const { value } = await this.#contents.next()
    // A reader that has thrown to one caller says only "done" to those who waited behind it.
    if (value === undefined && this.#failure !== undefined) throw this.#failure
    return value
  }

  /** Ends this side: the other end reads what is under way, and may still answer. */
  end(): void {
    this.socket.end()
  }

  /** Closes the link at once. */
  destroy(): void {
    this.socket.destroy()
  }

  /** Takes from the socket only what is asked for: a peer that sends faster than we read has to wait. */
  async *#read(): AsyncGenerator<Uint8Array, undefined> {
    const reader = new FrameReader(this.#maxContentBytes)
    try {
      for await (const piece of this.socket.iterator({ destroyOnReturn: false })) {
        for (const frame of reader.push(piece as Buffer)) yield this.#opened(frame)
      }
    } catch (cause) {
      const isOurs = cause instanceof ProtocolError
      throw this.#fail(isOurs ? cause : new ClientError('ERR_LINK_CUT_OFF', 'the secure link broke off', {}, cause))
    }
    if (reader.isWithinFrame) {
      throw this.#fail(new ClientError('ERR_LINK_CUT_OFF', 'the secure link ended within a frame'))
    }
    return undefined
  }

  #opened({ content, mac }: LinkFrame): Uint8Array {
    if (timingSafeEqual(this.#macOf(content), mac)) return content
    throw new ProtocolError('ERR_MAC_INVALID', 'the MAC of a frame does not verify')
  }

  #macOf(content: Uint8Array): Buffer {
    return createHmac('sha256', this.#macKey).update(content).digest()
  }

  /** @returns the first failure: what comes after it follows from it */
  #fail(failure: unknown): unknown {
    this.#failure ??= failure
    this.socket.destroy()
    return this.#failure
  }
}

/** @throws {ClientError} ERR_LINK_OPTIONS */
export function checkMacKey(macKey: Uint8Array): void {
  if (macKey.length < leastKeyBytes)
    throw new ClientError('ERR_LINK_OPTIONS', `a MAC key has ${leastKeyBytes} bytes or more`)
}
