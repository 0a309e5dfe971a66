import { bytesEqual, concatBytes } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'

/** Bytes of the MAC that ends every frame. */
export const frameMacBytes = 32
const lengthBytes = 4

/** One frame as it came, its MAC not yet verified. Both are the reader's to give away: nothing else refers to them. */
export interface LinkFrame {
  readonly content: Uint8Array
  readonly mac: Uint8Array
}

/** A frame: length of the content as u32 big-endian, content, 32 byte MAC. */
export function encodeFrame(content: Uint8Array, mac: Uint8Array): Uint8Array {
  const length = new Uint8Array(lengthBytes)
  new DataView(length.buffer).setUint32(0, content.length)
  return concatBytes(length, content, mac)
}

const noMac = new Uint8Array(frameMacBytes)

/** A frame of the key exchange: before there is a key, 32 zero bytes stand in place of the MAC. */
export function encodeExchangeFrame(content: Uint8Array): Uint8Array {
  return encodeFrame(content, noMac)
}

/** The content of a frame of the key exchange. @throws {ProtocolError} ERR_MAC_INVALID when a MAC is there */
export function openExchangeFrame({ content, mac }: LinkFrame): Uint8Array {
  if (!bytesEqual(mac, noMac)) throw new ProtocolError('ERR_MAC_INVALID', 'a MAC before there is a key')
  return content
}

/**
 * Puts frames together from whatever pieces the socket delivers. A length is looked at before any memory is taken for
 * it, and memory is taken once a frame.
 */
export class FrameReader {
  readonly #maxContentBytes: number
  readonly #length = new Uint8Array(lengthBytes)
  /** Content and MAC of the frame that is being read; undefined while its length is. */
  #body: Uint8Array | undefined
  #filled = 0

  /** @param maxContentBytes longest content that is admitted */
  constructor(maxContentBytes: number) {
    this.#maxContentBytes = maxContentBytes
  }

  /**
   * Takes the next piece.
   * @returns the frames that it completes, in their order
   * @throws {ProtocolError} ERR_LINK_FRAME_TOO_LARGE; the link is to be closed then, as nobody knows where a frame begins
   */
  push(piece: Uint8Array): LinkFrame[] {
    const frames: LinkFrame[] = []
    for (let at = 0; at < piece.length; ) {
      const target = this.#body ?? this.#length
      const part = piece.subarray(at, at + target.length - this.#filled)
      target.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled < target.length) break
      this.#filled = 0
      if (this.#body === undefined) {
        this.#body = new Uint8Array(this.#contentBytes() + frameMacBytes)
      } else {
        frames.push(split(this.#body))
        this.#body = undefined
      }
    }
    return frames
  }

  /** Whether a frame has begun and not ended: a peer that leaves here has cut one off. */
  get isWithinFrame(): boolean {
    return this.#body !== undefined || this.#filled > 0
  }

  #contentBytes(): number {
    const claimed = new DataView(this.#length.buffer).getUint32(0)
    if (claimed > this.#maxContentBytes) {
      throw new ProtocolError('ERR_LINK_FRAME_TOO_LARGE', `a frame of ${claimed} bytes`, { claimed })
    }
    return claimed
  }
}

function split(body: Uint8Array): LinkFrame {
  const contentBytes = body.length - frameMacBytes
  return { content: body.subarray(0, contentBytes), mac: body.subarray(contentBytes) }
}
