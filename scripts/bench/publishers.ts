import { performance } from 'node:perf_hooks'
import type { Completion } from './completion.ts'
import type { JobBase } from './jobs.ts'
import { RawClient } from './raw-client.ts'
import { packetIdOf, type Stream } from './workload.ts'

export interface PublishersOptions extends Pick<JobBase, 'host' | 'port' | 'runId' | 'quietMs'> {
  window: number
  batch: number
}

interface Publisher {
  client: RawClient
  pump: () => void
}

/** QoS 1 publishers with a window each, on connections of their own. */
export class Publishers {
  readonly messages: number
  acknowledged = 0
  /** PUBACKs that were not the next one due [MQTT-3.1.1 4.6.0-2]. */
  acksOutOfOrder = 0
  lastAckAt = 0
  readonly #options: PublishersOptions
  readonly #publishers: Publisher[] = []

  /** Connects them all; nothing is published before `start`. `completion` is told of every PUBACK and every loss. */
  static async connect(options: PublishersOptions, streams: Stream[], completion: () => Completion) {
    const publishers = new Publishers(options, streams)
    try {
      for (const [publisher, stream] of streams.entries()) await publishers.#add(publisher, stream, completion)
    } catch (error) {
      publishers.disconnect()
      throw error
    }
    return publishers
  }

  private constructor(options: PublishersOptions, streams: Stream[]) {
    this.#options = options
    this.messages = streams.reduce((sum, stream) => sum + stream.count, 0)
  }

  /** Writes the first window of each; returns the time just before. */
  start(): number {
    const startedAt = performance.now()
    this.lastAckAt = startedAt
    for (const { pump } of this.#publishers) pump()
    return startedAt
  }

  get isComplete(): boolean {
    return this.acknowledged >= this.messages
  }

  disconnect(): Promise<unknown> {
    return Promise.all(this.#publishers.map(({ client }) => client.disconnect()))
  }

  async #add(publisher: number, stream: Stream, completion: () => Completion): Promise<void> {
    const { host, port, runId, quietMs, window, batch } = this.#options
    const { packets, packetBytes, count } = stream
    let sent = 0
    let acked = 0
    const pump = () => {
      const upTo = Math.min(count, acked + window)
      // At least window - batch stay in flight, so waiting for a whole batch never waits for nothing.
      if (upTo === sent || (upTo - sent < batch && upTo < count)) return
      const from = sent
      sent = upTo
      client.write(packets.subarray(from * packetBytes, upTo * packetBytes))
    }
    const client = await RawClient.connect(
      { host, port, clientId: `bench-pub-${runId}-${publisher}`, answerTimeoutMs: quietMs },
      {
        onPuback: (packetId) => {
          if (packetId !== packetIdOf(acked)) this.acksOutOfOrder++
          acked++
          this.acknowledged++
        },
        onReadEnd: () => {
          // The CONNACK is a read too, and comes before the clock starts.
          if (sent === 0) return
          pump()
          this.lastAckAt = completion().progressed()
        },
        onClosed: (reason) => completion().closedFor(`publisher ${publisher}`)(reason),
      },
    )
    this.#publishers.push({ client, pump })
  }
}
