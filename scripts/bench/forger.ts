import { performance } from 'node:perf_hooks'
import { type ExchangeIdentity, encodeForged, openSession } from './forged-mac.ts'
import type { JobBase } from './jobs.ts'
import { encodePublish } from './mqtt-packets.ts'
import { RawClient } from './raw-client.ts'
import { packetIdOf } from './workload.ts'

export interface ForgerOptions extends Pick<JobBase, 'host' | 'port' | 'quietMs'> {
  localAddress?: string
  clientId: string
  topicName: string
  payload: Buffer
  identity: ExchangeIdentity
  /** Most unacknowledged messages; a tenth of them is written at once. */
  window: number
  /** Ends after so many; absent: goes on until it is stopped. */
  messages?: number
  /** After a batch of acknowledgements. */
  onProgress: () => void
  /** The broker closed the connection; without it the forger comes back, with the session that it had. */
  onClosed?: (reason: string) => void
}

const comeBackMs = 10

/**
 * One client that sends forged MACs, over and over the same packets. An MQTT 3.1.1 broker acknowledges what it refuses,
 * so a PUBACK is a refusal; that nothing was delivered is for a subscriber to say.
 */
export class Forger {
  refused = 0
  lastRefusalAt = 0
  readonly #options: ForgerOptions
  /** A window of packets. */
  #packets: Buffer[] = []
  #client: RawClient | undefined
  #sent = 0
  /** Refused before this connection. */
  #earlier = 0
  #isStopped = false

  constructor(options: ForgerOptions) {
    this.#options = options
  }

  /** Connects and makes a session; nothing is published before `start`. */
  async open(): Promise<void> {
    let receive: (message: Buffer) => void = () => {}
    const client = await this.#connect((message) => receive(message))
    this.#client = client
    const { identity, topicName, payload, window } = this.#options
    const sid = await openSession(
      client,
      (onMessage) => {
        receive = onMessage
      },
      identity,
    )
    const message = encodeForged(sid, identity, payload)
    this.#packets = Array.from({ length: window }, (_, index) => encodePublish(packetIdOf(index), topicName, message))
  }

  start(): void {
    this.lastRefusalAt = performance.now()
    this.#pump()
  }

  get isComplete(): boolean {
    return this.refused >= (this.#options.messages ?? Number.POSITIVE_INFINITY)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#client?.disconnect()
  }

  #connect(onMessage: (message: Buffer) => void): Promise<RawClient> {
    const { host, port, localAddress, clientId, quietMs, onProgress } = this.#options
    const from = localAddress === undefined ? {} : { localAddress }
    return RawClient.connect(
      { host, port, ...from, clientId, answerTimeoutMs: quietMs },
      {
        onPuback: () => {
          this.refused++
        },
        onPublish: (buffer, start, end) => onMessage(Buffer.from(buffer.subarray(start, end))),
        onReadEnd: () => {
          if (this.#sent === 0) return
          this.lastRefusalAt = performance.now()
          this.#pump()
          onProgress()
        },
        onClosed: (reason) => this.#onClosed(reason),
      },
    )
  }

  #pump(): void {
    const { window, messages = Number.POSITIVE_INFINITY } = this.#options
    const count = messages - this.#earlier
    const upTo = Math.min(count, this.refused - this.#earlier + window)
    if (upTo === this.#sent || (upTo - this.#sent < window / 10 && upTo < count)) return
    const packets: Buffer[] = []
    for (; this.#sent < upTo; this.#sent++) packets.push(this.#packets[this.#sent % window] as Buffer)
    this.#client?.write(Buffer.concat(packets))
  }

  #onClosed(reason: string): void {
    if (this.#isStopped) return
    if (this.#options.onClosed !== undefined) this.#options.onClosed(reason)
    else setTimeout(() => this.#comeBack(), comeBackMs)
  }

  #comeBack(): void {
    if (this.#isStopped) return
    this.#earlier = this.refused
    this.#sent = 0
    this.#connect(() => {}).then(
      (client) => {
        this.#client = client
        if (this.#isStopped) client.disconnect()
        else this.#pump()
      },
      (error: Error) => this.#onClosed(error.message),
    )
  }
}
