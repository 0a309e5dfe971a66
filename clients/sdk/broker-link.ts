import type { MqttClient } from 'mqtt'
import {
  adminResponseTopic,
  type ClientSession,
  type CryptoProvider,
  type DroppedReceipts,
  type HopMacKey,
  identityResponseTopic,
  keyExchangeResponseTopic,
  type P256PublicKey,
  receiptTopic,
  rejectedTopic,
} from '../../protocol/index.ts'
import { askAdmin, isAnswerToClient } from '../ask-admin.ts'
import { ClientError } from '../errors.ts'
import type { Platform } from '../platform/platform.ts'
import { type Equivocation, LogGuard } from './log-guard.ts'
import { agreeOnSession, renewalDelayMs } from './mac-session.ts'
import type { ResolvedOptions } from './options.ts'
import { proveBrokerKey } from './pinned-broker.ts'
import { type VerifiedReceipt, verifyPushedReceipt } from './receipts.ts'
import { parseRejected, type RejectedPublish } from './rejected.ts'
import type { SequenceNumbers } from './sequence-numbers.ts'
import { subscribed } from './subscribed.ts'

/** What a link tells of. */
export interface BrokerLinkEvents {
  readonly onReceipt: (receipt: VerifiedReceipt) => void
  readonly onReceiptsDropped: (dropped: DroppedReceipts) => void
  readonly onRejected: (publish: RejectedPublish) => void
  readonly onEquivocation: (equivocation: Equivocation) => void
  /** A new session in place of the one before. */
  readonly onRenewed: (session: HopMacKey) => void
  /** Something went wrong that no call can be told of. */
  readonly onError: (error: unknown) => void
}

export interface BrokerLinkOptions {
  readonly mqtt: MqttClient
  readonly platform: Platform
  readonly options: ResolvedOptions
  readonly numbers: SequenceNumbers | undefined
  readonly events: BrokerLinkEvents
}

/** What a client and its broker say to each other beside the messages: who it is, which log, which key, which receipts. */
export class BrokerLink {
  readonly #mqtt: MqttClient
  readonly #platform: Platform
  readonly #options: ResolvedOptions
  readonly #numbers: SequenceNumbers | undefined
  readonly #events: BrokerLinkEvents
  readonly #crypto: CryptoProvider
  #proven: { readonly brokerKey: P256PublicKey; readonly guard: LogGuard } | undefined
  #renewal: ReturnType<typeof setTimeout> | undefined
  /** Counts connections: what was agreed on over one that is closed says nothing about the next. */
  #connection = 0
  /** Checkpoints and receipts one after the other. */
  #turn: Promise<void> = Promise.resolve()

  constructor({ mqtt, platform, options, numbers, events }: BrokerLinkOptions) {
    this.#mqtt = mqtt
    this.#platform = platform
    this.#options = options
    this.#numbers = numbers
    this.#events = events
    this.#crypto = platform.defaultCrypto
    mqtt.on('close', () => this.close())
  }

  /** Nothing is renewed any more, until the link is established again. */
  close(): void {
    this.#connection++
    clearTimeout(this.#renewal)
  }

  /**
   * To be done at each connect: proves the broker and its log, and agrees on a session key, as far as the options ask for it.
   * @returns the session, undefined without `mac`
   * @throws {ClientError} ERR_BROKER_UNPROVEN, ERR_KEY_STORE, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
   */
  async establish(): Promise<HopMacKey | undefined> {
    const { clientId } = this.#mqtt.options
    const connection = this.#connection
    await this.#listen(rejectedTopic(clientId as string))
    const { pinned } = this.#options
    if (pinned === undefined) return undefined
    const brokerKey = await this.#prove(pinned.key)
    if (this.#options.receipts) await subscribed(this.#mqtt, receiptTopic(clientId as string))
    const session = this.#options.mac ? await this.#agree(brokerKey) : undefined
    if (connection !== this.#connection) {
      throw new ClientError('ERR_CONNECTION', 'the connection broke before everything was agreed on')
    }
    if (session !== undefined) this.#renewLater(session, brokerKey)
    return session
  }

  /**
   * Takes messages that are for the client itself.
   * @returns whether this one was; the application is not told of it
   */
  take(topic: string, payload: Uint8Array): boolean {
    const clientId = this.#mqtt.options.clientId as string
    if (topic === rejectedTopic(clientId)) {
      const rejected = parseRejected(payload)
      if (rejected !== undefined) this.#events.onRejected(rejected)
      return rejected !== undefined
    }
    if (this.#options.pinned === undefined) return false
    if (topic === identityResponseTopic(clientId)) return true
    if (topic === adminResponseTopic(clientId)) return isAnswerToClient(payload)
    if (topic === keyExchangeResponseTopic(clientId)) return this.#options.mac
    if (topic !== receiptTopic(clientId) || !this.#options.receipts) return false
    this.#inTurn(() => this.#takeReceipt(payload))
    return true
  }

  /** Brokers that have no such topic refuse it, and then there is nothing to hear. */
  async #listen(topic: string): Promise<void> {
    try {
      await subscribed(this.#mqtt, topic)
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'ERR_REFUSED') throw error
    }
  }

  async #prove(key: P256PublicKey | undefined): Promise<P256PublicKey> {
    const { keyStore } = this.#options
    const pinned = { name: nameOf(this.#mqtt), key }
    const certificate = this.#platform.certificateSha256(this.#mqtt)
    const { brokerKey, checkpoint } = await proveBrokerKey(this.#mqtt, pinned, certificate, keyStore, this.#crypto)
    this.#proven = {
      brokerKey,
      guard: new LogGuard(keyStore, { logKey: this.#options.logKey, brokerKey }, this.#crypto),
    }
    if (checkpoint !== undefined) await this.#check(this.#proven.guard, checkpoint)
    return brokerKey
  }

  async #check(guard: LogGuard, note: string): Promise<void> {
    const equivocation = await guard.check(note, async (from, to) => {
      try {
        return (await askAdmin(this.#mqtt, 'audit.consistency', { from, to })).path
      } catch (error) {
        // The broker answered that it has no such tree. No answer at all is no contradiction.
        if (error instanceof ClientError && error.code === 'ERR_ADMIN') return undefined
        throw error
      }
    })
    if (equivocation !== undefined) this.#events.onEquivocation(equivocation)
  }

  async #takeReceipt(payload: Uint8Array): Promise<void> {
    if (this.#proven === undefined) return
    const { brokerKey, guard } = this.#proven
    const receipt = await verifyPushedReceipt(payload, { brokerKey, logKey: this.#options.logKey }, this.#crypto)
    if ('dropped' in receipt) {
      this.#events.onReceiptsDropped(receipt)
      return
    }
    this.#events.onReceipt(receipt)
    // Without the log's key nobody but the broker vouches for the note: the receipt, which its key signed, says its root.
    if (this.#options.logKey !== undefined) await this.#check(guard, receipt.json.checkpoint)
  }

  async #agree(brokerKey: P256PublicKey): Promise<ClientSession> {
    const { identity: signer } = this.#options
    if (signer === undefined || this.#numbers === undefined) throw new RangeError('a session needs an identity')
    const exchanging = { mqtt: this.#mqtt, signer, numbers: this.#numbers, crypto: this.#crypto }
    return agreeOnSession(exchanging, brokerKey)
  }

  /** A renewal that the end of its connection interrupts is no error: the next connection agrees anew. */
  #renewLater(session: ClientSession, brokerKey: P256PublicKey): void {
    const connection = this.#connection
    const renew = async () => {
      try {
        const renewed = await this.#agree(brokerKey)
        if (connection !== this.#connection) return
        this.#renewLater(renewed, brokerKey)
        this.#events.onRenewed(renewed)
      } catch (error) {
        if (connection === this.#connection) this.#events.onError(error)
      }
    }
    this.#renewal = setTimeout(renew, renewalDelayMs(session))
  }

  #inTurn(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch(this.#events.onError)
  }
}

/** `HOST:PORT`, as a broker is remembered by. */
function nameOf({ options }: MqttClient): string {
  return `${options.hostname ?? options.host ?? 'localhost'}:${options.port ?? ''}`
}
