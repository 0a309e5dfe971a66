import {
  type ExchangeAnswer,
  type KeyExchangeService,
  type MacSession,
  type Publisher,
  TokenBucket,
} from '../../plugins/index.ts'
import {
  type AuthKind,
  type CryptoProvider,
  decodeLinkPublish,
  encodeExchangeFrame,
  encodeLinkAnswer,
  FrameReader,
  type LinkAnswer,
  type LinkFrame,
  type LinkPublish,
  LinkReceiver,
  LinkSender,
  maxKeyExchangeBytes,
  openExchangeFrame,
  ProtocolError,
  type RefusalCause,
} from '../../protocol/index.ts'
import type { Arrival, Transport } from './transport.ts'

/** Publishes of one link that may be on their way, and their bytes, before no more are read from it. */
const maxWaiting = 64
const maxWaitingBytes = 4 * 1024 * 1024
/** Answers that a peer may leave unread. */
const maxUnreadBytes = 1024 * 1024
/** Refused publishes of one link; beyond them it is closed. */
const refusalBudget = { perSecond: 1, burst: 10 } as const

/** Who is at the other end, once the exchange is over. */
export interface LinkClient {
  readonly publisher: Publisher
  readonly session: MacSession
}

/** What all links of a broker share. */
export interface LinkContext {
  readonly keyExchange: Pick<KeyExchangeService, 'answerOnSocket'>
  readonly crypto: CryptoProvider
  /** Longest content of a frame. */
  readonly maxFrameBytes: number
  /** A link on which nothing came for so long is closed. */
  readonly idleTimeoutMs: number
  /** Sends a publish on its way; `answer` is called once, in the order of the publishes, with `source` as their link. */
  readonly publish: (
    client: LinkClient,
    message: LinkPublish,
    source: object,
    answer: (answer: LinkAnswer) => void,
  ) => void
  /** A link ended for a reason that is worth a line in the log. */
  readonly onNotice: (message: string) => void
  /** An exchange was refused. */
  readonly onRefused: (cause: RefusalCause, listener: string) => void
  readonly onError: (error: unknown) => void
  /** Milliseconds. */
  readonly now: () => number
}

/** The exchange is over: frames have MACs. */
interface Established {
  readonly client: LinkClient
  readonly sender: LinkSender
  readonly receiver: LinkReceiver
}

/**
 * One connection of a `protocol notary-link` listener: a key exchange in two frames, then signed publishes in frames with
 * a MAC and a counter, each answered by a frame. Whatever is not as it should be ends it without a word, as nobody knows
 * who is on the other side.
 */
export class NotaryLink {
  readonly #transport: Transport
  readonly #arrival: Arrival
  readonly #context: LinkContext
  readonly #budget: TokenBucket
  #frames = new FrameReader(maxKeyExchangeBytes)
  #isAsking = false
  #established: Established | undefined
  #waiting = 0
  #waitingBytes = 0
  #isClosed = false
  #heardAtMs: number
  #idleTimer: NodeJS.Timeout | undefined

  /** To be made in the call that hands the transport over. */
  constructor(transport: Transport, arrival: Arrival, context: LinkContext) {
    this.#transport = transport
    this.#arrival = arrival
    this.#context = context
    this.#budget = new TokenBucket(refusalBudget, context.now)
    this.#heardAtMs = context.now()
    transport.onData((chunk) => this.#take(chunk))
    transport.onClose(() => {
      this.#isClosed = true
      clearInterval(this.#idleTimer)
    })
  }

  #take(chunk: Buffer): void {
    if (this.#isClosed) return
    this.#heardAtMs = this.#context.now()
    try {
      for (const frame of this.#frames.push(chunk)) this.#takeFrame(frame)
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#context.onError(error)
      this.#close(error instanceof ProtocolError ? error.code : 'an error of the broker')
    }
  }

  #takeFrame(frame: LinkFrame): void {
    if (this.#isClosed) return
    if (this.#established !== undefined) this.#takePublish(this.#established, frame)
    else if (this.#isAsking) this.#close('it went on before the key exchange was over')
    else this.#ask(frame)
  }

  #ask(frame: LinkFrame): void {
    const request = openExchangeFrame(frame)
    this.#isAsking = true
    const { name: listener } = this.#arrival.listener
    const { username, auth } = this.#proven
    const requester = username === undefined ? { auth, listener } : { username, auth, listener }
    const asking = this.#context.keyExchange.answerOnSocket(request, requester)
    asking
      .then((answer) => this.#answer(answer))
      .catch((error) => {
        this.#context.onError(error)
        this.#close('an error of the broker')
      })
  }

  /** A name that the certificate proved, else the key that signs the exchange is all there is. */
  get #proven(): { readonly username: string | undefined; readonly auth: AuthKind } {
    const username = this.#arrival.certificateUsername ?? undefined
    return username === undefined ? { username, auth: 'key' } : { username, auth: 'certificate' }
  }

  #answer(answer: ExchangeAnswer): void {
    if ('cause' in answer) {
      this.#context.onRefused(answer.cause, this.#arrival.listener.name)
      this.#close(answer.cause)
      return
    }
    const { session, response } = answer
    if (this.#isClosed || session === undefined) return
    if (this.#frames.isWithinFrame) {
      this.#close('it went on before the key exchange was over')
      return
    }
    const { crypto, maxFrameBytes, idleTimeoutMs } = this.#context
    const { name: listener, isTls } = this.#arrival.listener
    const publisher = { clientId: session.clientId, ...this.#proven, listener, isTls }
    this.#established = {
      client: { publisher, session },
      sender: new LinkSender(session.key, 'brokerToClient', crypto),
      receiver: new LinkReceiver(session.key, 'clientToBroker', crypto),
    }
    this.#frames = new FrameReader(maxFrameBytes)
    // Until here the deadline of the listener ran.
    this.#arrival.connected()
    this.#idleTimer = setInterval(() => this.#closeIdle(), idleTimeoutMs)
    this.#idleTimer.unref()
    this.#transport.write(Buffer.from(encodeExchangeFrame(response)))
  }

  #takePublish({ client, sender, receiver }: Established, frame: LinkFrame): void {
    const content = receiver.open(frame)
    if (!client.session.isLive(this.#context.now())) {
      this.#close('its session is over')
      return
    }
    client.session.confirm()
    const message = decodeLinkPublish(content)
    this.#enter(content.length)
    this.#context.publish(client, message, this, (answer) => {
      this.#leave(content.length)
      if (this.#isClosed) return
      this.#transport.write(Buffer.from(sender.seal(encodeLinkAnswer(answer))))
      const isRefused = answer.reasonCode >= 0x80
      if (isRefused && !this.#budget.take()) this.#close('too many of its publishes were refused')
      else if (this.#transport.bufferedBytes > maxUnreadBytes) this.#close('it does not read its answers')
    })
  }

  #enter(bytes: number): void {
    this.#waiting++
    this.#waitingBytes += bytes
    if (this.#waiting >= maxWaiting || this.#waitingBytes >= maxWaitingBytes) this.#transport.pause()
  }

  #leave(bytes: number): void {
    this.#waiting--
    this.#waitingBytes -= bytes
    if (this.#waiting < maxWaiting / 2 && this.#waitingBytes < maxWaitingBytes / 2) this.#transport.resume()
  }

  #closeIdle(): void {
    const { now, idleTimeoutMs } = this.#context
    if (this.#waiting === 0 && now() - this.#heardAtMs >= idleTimeoutMs) this.#close('nothing came for too long')
  }

  #close(why: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#idleTimer)
    const { remoteAddress, remotePort } = this.#transport
    this.#context.onNotice(`Link from ${remoteAddress}:${remotePort} closed: ${why}.`)
    this.#transport.end()
  }
}
