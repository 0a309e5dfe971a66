import type {
  ClientSubscribeCallback,
  IClientPublishOptions,
  IClientSubscribeOptions,
  IClientSubscribeProperties,
  IClientUnsubscribeProperties,
  IConnackPacket,
  IDisconnectPacket,
  IPublishPacket,
  ISubscriptionGrant,
  ISubscriptionMap,
  MqttClient,
  Packet,
  PacketCallback,
} from 'mqtt'
import { ClientError } from '../errors.ts'
import type { Platform } from '../platform/platform.ts'
import { BrokerLink } from './broker-link.ts'
import { ClientCipher } from './client-cipher.ts'
import type { NotaryClientEvents } from './events.ts'
import { InOrder } from './in-order.ts'
import type { IncomingMessage } from './incoming-message.ts'
import type { Equivocation } from './log-guard.ts'
import { MessageReader } from './message-reader.ts'
import type { ResolvedOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { PublishSigner } from './publish-signer.ts'
import { SequenceNumbers } from './sequence-numbers.ts'
import { TypedEmitter } from './typed-emitter.ts'

/**
 * An MQTT client that signs what it publishes and verifies what it receives: calls, events and reconnecting are those of
 * MQTT.js, which does the work beneath. Made by `connectAsync`.
 */
export class NotaryClient extends TypedEmitter<NotaryClientEvents> {
  /** The MQTT.js client beneath. What is published or heard there is neither signed nor verified. */
  readonly mqtt: MqttClient
  readonly #link: BrokerLink
  readonly #outbox: Outbox
  readonly #inbox: InOrder
  readonly #reader: MessageReader
  readonly #cipher: ClientCipher
  readonly #accept: ResolvedOptions['accept']
  #isEnded = false
  #release: () => void = () => {}

  /** @param mqtt not connected yet */
  constructor(mqtt: MqttClient, options: ResolvedOptions, platform: Platform) {
    super()
    this.mqtt = mqtt
    const { defaultCrypto: crypto } = platform
    const { identity: signer, keyring, keyStore, detached: isDetached } = options
    const identity =
      signer === undefined ? undefined : { signer, numbers: new SequenceNumbers(keyStore, signer.thumbprint) }
    this.#accept = options.accept
    this.#cipher = new ClientCipher({
      encryption: options.encryption,
      client: this,
      signs: signer !== undefined,
      verifies: keyring !== undefined,
      memory: keyStore,
      onError: (error) => this.#tellError(error),
      crypto,
    })
    this.#reader = new MessageReader({ keyring, cipher: this.#cipher, crypto })
    this.#outbox = new Outbox(
      mqtt,
      new PublishSigner({ identity, isDetached, cipher: this.#cipher, crypto }),
      options.pinned !== undefined,
    )
    this.#link = new BrokerLink({
      mqtt,
      platform,
      options,
      numbers: identity?.numbers,
      events: {
        onReceipt: (receipt) => this.emit('receipt', receipt),
        onReceiptsDropped: (dropped) => this.emit('receiptsDropped', dropped),
        onRejected: (publish) => this.emit('rejected', publish),
        onEquivocation: (equivocation) => this.#later(() => this.#tell(equivocation)),
        onRenewed: (session) => this.#outbox.open(session),
        onError: (error) => this.#giveUpConnection(error),
      },
    })
    this.#inbox = new InOrder(
      new Promise((resolve) => {
        this.#release = resolve
      }),
    )
    this.#forward()
  }

  /**
   * Does what is to be done before the application goes on: at the first connect for `connectAsync`, later by itself.
   * @throws {ClientError} ERR_BROKER_UNPROVEN, ERR_KEY_STORE, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION
   */
  async establish(packet: IConnackPacket): Promise<void> {
    const session = await this.#link.establish()
    this.#outbox.open(session)
    this.emit('connect', packet)
  }

  /**
   * To be done once, when the first connection is established: before the application has the client, so that nothing
   * that is to be encrypted can be sent or read before.
   * @throws {ClientError} ERR_CONNECTION, and what the application's function throws
   */
  async makeCipher(): Promise<void> {
    const lost = new Promise<never>((_resolve, reject) => {
      const message = 'the connection broke before the cipher was made'
      this.mqtt.once('close', () => reject(new ClientError('ERR_CONNECTION', message)))
    })
    await Promise.race([this.#cipher.make(), lost])
  }

  /** From now on messages are told, those too that came before anybody could listen; and reconnects are taken care of. */
  start(): void {
    this.mqtt.on('connect', (packet) => {
      const { stream } = this.mqtt
      this.establish(packet).catch((error: unknown) => this.#giveUpConnection(error, stream))
    })
    this.#release()
  }

  get connected(): boolean {
    return this.mqtt.connected
  }

  get reconnecting(): boolean {
    return this.mqtt.reconnecting
  }

  /** As `publishAsync`, with a callback. */
  publish(topic: string, message: string | Uint8Array, callback?: PacketCallback): this
  publish(topic: string, message: string | Uint8Array, options?: IClientPublishOptions, callback?: PacketCallback): this
  publish(
    topic: string,
    message: string | Uint8Array,
    optionsOrCallback?: IClientPublishOptions | PacketCallback,
    callback?: PacketCallback,
  ): this {
    const [options, done] =
      typeof optionsOrCallback === 'function' ? [undefined, optionsOrCallback] : [optionsOrCallback, callback]
    this.publishAsync(topic, message, options).then(
      (packet) => done?.(undefined, packet),
      (error: Error) => (done === undefined ? this.emit('error', error) : done(error)),
    )
    return this
  }

  /**
   * Encrypts, signs and publishes a message, as the options of the client say.
   * @returns the acknowledgement; undefined with QoS 0
   * @throws {ClientError} ERR_REFUSED with `details.reasonCode` (MQTT 5), ERR_CONNECTION, ERR_SEQUENCE_FILE, ERR_KEY_STORE,
   *   ERR_NO_ENCRYPTION_KEY, ERR_KEY_EXHAUSTED
   */
  publishAsync(
    topic: string,
    message: string | Uint8Array,
    options: IClientPublishOptions = {},
  ): Promise<Packet | undefined> {
    const payload = typeof message === 'string' ? new TextEncoder().encode(message) : message
    return this.#outbox.add({ topic, payload, options })
  }

  subscribe(
    topics: string | string[] | ISubscriptionMap,
    options?: IClientSubscribeOptions | IClientSubscribeProperties,
    callback?: ClientSubscribeCallback,
  ): this {
    this.mqtt.subscribe(topics, options, callback)
    return this
  }

  subscribeAsync(
    topics: string | string[] | ISubscriptionMap,
    options?: IClientSubscribeOptions | IClientSubscribeProperties,
  ): Promise<ISubscriptionGrant[]> {
    return this.mqtt.subscribeAsync(topics, options)
  }

  unsubscribe(topics: string | string[], options?: IClientUnsubscribeProperties, callback?: PacketCallback): this {
    this.mqtt.unsubscribe(topics, options, callback)
    return this
  }

  unsubscribeAsync(topics: string | string[], options?: IClientUnsubscribeProperties): Promise<Packet | undefined> {
    return this.mqtt.unsubscribeAsync(topics, options)
  }

  /** As `endAsync`, with a callback. */
  end(force = false, options?: Partial<IDisconnectPacket>, callback?: (error?: Error) => void): this {
    this.endAsync(force, options).then(
      () => callback?.(),
      (error: Error) => (callback === undefined ? this.emit('error', error) : callback(error)),
    )
    return this
  }

  /**
   * Sends what waits, waits for acknowledgements and disconnects.
   * @param force does not wait; what was not acknowledged is given up
   */
  async endAsync(force = false, options?: Partial<IDisconnectPacket>): Promise<void> {
    if (!force) await this.#outbox.settled()
    this.#isEnded = true
    this.#link.close()
    this.#outbox.abandon()
    // MQTT.js would wait for acknowledgements that a lost connection never brings.
    await this.mqtt.endAsync(force || !this.mqtt.connected, options)
  }

  #forward(): void {
    const { mqtt } = this
    mqtt.on('message', (topic, payload, packet) => this.#take(topic, payload, packet))
    // MQTT.js acknowledges and reads on when this calls back.
    mqtt.handleMessage = (_packet, done) => {
      this.#inbox.room().then(() => done())
    }
    for (const event of ['reconnect', 'offline', 'close', 'end', 'outgoingEmpty'] as const) {
      mqtt.on(event, () => this.emit(event))
    }
    mqtt.on('error', (error) => {
      this.emit('error', error)
      // After bytes that are no packet, or a record of TLS that does not verify, MQTT.js and Node keep a connection over
      // which nothing comes any more.
      mqtt.stream.destroy()
    })
    mqtt.on('packetsend', (packet) => this.emit('packetsend', packet))
    mqtt.on('packetreceive', (packet) => this.emit('packetreceive', packet))
    mqtt.on('disconnect', (packet) => this.emit('disconnect', packet))
  }

  #take(topic: string, payload: Uint8Array, packet: IPublishPacket): void {
    if (this.#link.take(topic, payload)) return
    this.#inbox.push(this.#reader.read(topic, payload, packet), (message) => {
      if (message !== undefined) this.#deliver(message)
    })
  }

  #deliver(message: IncomingMessage): void {
    if (this.#accept === 'verified' && message.verified === undefined) this.emit('dropped', message)
    else this.emit('message', message.topic, message.payload, message)
  }

  #tell(equivocation: Equivocation): void {
    this.emit('equivocation', equivocation)
    const { cause, origin } = equivocation
    this.emit(
      'error',
      new ClientError('ERR_EQUIVOCATION', `the log ${origin} contradicts itself: ${cause}`, { origin }),
    )
  }

  /** In the order of messages, so not before anybody could listen. */
  #later(tell: () => void): void {
    this.#inbox.push(Promise.resolve(), tell)
  }

  /**
   * A connection without proof or session is good for nothing: MQTT.js makes another one.
   * @param stream that of the connection; there may be another one already
   */
  #giveUpConnection(error: unknown, stream = this.mqtt.stream): void {
    this.#tellError(error)
    stream.destroy()
  }

  /** What the end of the client interrupted is no error to its application. */
  #tellError(error: unknown): void {
    if (this.#isEnded) return
    this.emit('error', error instanceof Error ? error : new Error(String(error)))
  }
}
