import { utf8 } from '../bytes.ts'
import { contextLabel } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { sessionKeyBytes } from '../key-exchange/index.ts'
import { encodeFrame, type LinkFrame } from './frame.ts'

/** Directions of a link: the label that their key is derived under, and the byte that their MACs begin with. */
const directions = {
  clientToBroker: { label: 'c2b', byte: 1 },
  brokerToClient: { label: 'b2c', byte: 2 },
} as const

export type LinkDirection = keyof typeof directions

/** MACs of one direction: each frame has its number in them, so that none can be dropped, repeated or moved. */
class LinkMac {
  readonly #key: Uint8Array
  readonly #crypto: CryptoProvider
  /** Direction byte and u64 counter, big-endian. */
  readonly #prefix = new Uint8Array(9)
  #counter = 0n

  constructor(sessionKey: Uint8Array, direction: LinkDirection, crypto: CryptoProvider) {
    const { label, byte } = directions[direction]
    this.#key = crypto.hkdfSha256(sessionKey, new Uint8Array(0), utf8(`${contextLabel} ${label}`), sessionKeyBytes)
    this.#crypto = crypto
    this.#prefix[0] = byte
  }

  /** The MAC that the next frame has to have. */
  of(content: Uint8Array): Uint8Array {
    new DataView(this.#prefix.buffer).setBigUint64(1, this.#counter)
    return this.#crypto.hmacSha256(this.#key, this.#prefix, content)
  }

  advance(): void {
    this.#counter++
  }
}

/** Sends on a link whose key exchange is over. */
export class LinkSender {
  readonly #mac: LinkMac

  constructor(sessionKey: Uint8Array, direction: LinkDirection, crypto: CryptoProvider) {
    this.#mac = new LinkMac(sessionKey, direction, crypto)
  }

  /** The next frame. */
  seal(content: Uint8Array): Uint8Array {
    const frame = encodeFrame(content, this.#mac.of(content))
    this.#mac.advance()
    return frame
  }
}

/** Receives on a link whose key exchange is over. */
export class LinkReceiver {
  readonly #mac: LinkMac
  readonly #crypto: CryptoProvider

  constructor(sessionKey: Uint8Array, direction: LinkDirection, crypto: CryptoProvider) {
    this.#mac = new LinkMac(sessionKey, direction, crypto)
    this.#crypto = crypto
  }

  /**
   * The content of the next frame.
   * @throws {ProtocolError} ERR_MAC_INVALID: it is not the frame that was sent here; the link is to be closed
   */
  open({ content, mac }: LinkFrame): Uint8Array {
    if (!this.#crypto.isEqualInConstantTime(this.#mac.of(content), mac)) {
      throw new ProtocolError('ERR_MAC_INVALID', 'the MAC of a frame does not verify')
    }
    this.#mac.advance()
    return content
  }
}
