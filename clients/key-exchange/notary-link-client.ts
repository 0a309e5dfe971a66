import type { Duplex } from 'node:stream'
import {
  type ClientSession,
  decodeLinkAnswer,
  encodeExchangeFrame,
  encodeLinkPublish,
  FrameReader,
  type LinkAnswer,
  type LinkFrame,
  LinkReceiver,
  LinkSender,
  maxKeyExchangeBytes,
  nobleCrypto,
  openExchangeFrame,
  ProtocolError,
  signPublish,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { type Identity, reserveSequenceNumber } from '../identity/index.ts'
import { type KeyExchangeSettings, startExchange } from './perform-key-exchange.ts'
import { finishExchange } from './run-exchange.ts'

/** Who waits for a frame. */
interface Waiting {
  readonly resolve: (frame: LinkFrame) => void
  readonly reject: (error: unknown) => void
}

/** Frames of a socket, one by one in the order in which they are waited for. One that nobody waits for ends the link. */
class FrameQueue {
  readonly #waiting: Waiting[] = []
  #failure: ClientError | undefined

  constructor(socket: Duplex) {
    // No answer is longer than the one of the exchange.
    const reader = new FrameReader(maxKeyExchangeBytes)
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.push(chunk)) this.#give(frame)
      } catch (cause) {
        socket.destroy()
        this.#fail(cause)
      }
    })
    socket.on('error', (cause) => this.#fail(cause))
    socket.on('close', () => this.#fail(undefined))
  }

  next(): Promise<LinkFrame> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #give(frame: LinkFrame): void {
    const first = this.#waiting.shift()
    // A broker only answers, and requests wait before they are on their way: so nothing is kept for who sends without end.
    if (first === undefined) throw new RangeError('a frame that answers nothing')
    first.resolve(frame)
  }

  #fail(cause: unknown): void {
    this.#failure ??= new ClientError(
      'ERR_CONNECTION',
      'the broker closed the link, as it does when it refuses',
      {},
      cause,
    )
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
  }
}

/** One end of a link whose key exchange is over: publishes signed messages, each with a hop MAC. */
export class NotaryLinkClient {
  /** Also good for hop MACs on MQTT connections of the same client id. */
  readonly session: ClientSession
  readonly #socket: Duplex
  readonly #identity: Identity
  readonly #frames: FrameQueue
  readonly #sender: LinkSender
  readonly #receiver: LinkReceiver

  constructor(socket: Duplex, identity: Identity, frames: FrameQueue, session: ClientSession) {
    this.session = session
    this.#socket = socket
    this.#identity = identity
    this.#frames = frames
    this.#sender = new LinkSender(session.key, 'clientToBroker', nobleCrypto)
    this.#receiver = new LinkReceiver(session.key, 'brokerToClient', nobleCrypto)
  }

  /**
   * Signs and sends one message. Several may be on their way; they are answered in their order.
   * @throws {ClientError} ERR_SEQUENCE_FILE, ERR_CONNECTION, ERR_BROKER_UNPROVEN
   */
  async publish(topic: string, payload: Uint8Array): Promise<LinkAnswer> {
    const { key, thumbprint, path } = this.#identity
    const seq = reserveSequenceNumber(path)
    const toSign = { topic, payload, seq, timeMs: Date.now() }
    return this.send(topic, signPublish(key, thumbprint, toSign, nobleCrypto, this.session))
  }

  /**
   * Sends an envelope that was made before, as after a link that broke.
   * @throws {ClientError} ERR_CONNECTION, ERR_BROKER_UNPROVEN
   */
  async send(topic: string, envelope: Uint8Array): Promise<LinkAnswer> {
    this.#socket.write(this.#sender.seal(encodeLinkPublish({ topic, envelope })))
    const frame = await this.#frames.next()
    try {
      return decodeLinkAnswer(this.#receiver.open(frame))
    } catch (cause) {
      this.#socket.destroy()
      if (!(cause instanceof ProtocolError)) throw cause
      throw new ClientError('ERR_BROKER_UNPROVEN', 'an answer on the link is not by the broker', {}, cause)
    }
  }

  close(): void {
    this.#socket.end()
  }
}

/**
 * Agrees on a session key over a socket of a `protocol notary-link` listener.
 * @param socket connected, and secured where the listener is
 * @throws {ClientError} ERR_SEQUENCE_FILE, ERR_CONNECTION, ERR_BROKER_UNPROVEN
 */
export async function exchangeOverLink(
  socket: Duplex,
  identity: Identity,
  settings: KeyExchangeSettings & { readonly clientId: string },
): Promise<NotaryLinkClient> {
  const frames = new FrameQueue(socket)
  const pending = startExchange(identity, settings.clientId, settings)
  socket.write(encodeExchangeFrame(pending.message))
  const frame = await frames.next()
  const session = await finishExchange(pending, contentOf(frame), settings.brokerKey)
  return new NotaryLinkClient(socket, identity, frames, session)
}

function contentOf(frame: LinkFrame): Uint8Array {
  try {
    return openExchangeFrame(frame)
  } catch (cause) {
    throw new ClientError('ERR_BROKER_UNPROVEN', 'the first frame of the link is no key exchange', {}, cause)
  }
}
