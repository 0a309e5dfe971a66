import {
  adminResponseTopic,
  alarmTopic,
  blockTopic,
  checkpointTopic,
  identityResponseTopic,
  isValidTopicFilter,
  keyExchangeResponseTopic,
  ownClientId,
  receiptTopic,
  rejectedTopic,
  topicMatchesFilter,
} from '../../protocol/index.ts'
import { sendDirect } from '../aedes-seams.ts'
import { CommonTopic } from './common-topic.ts'
import type { DirectClient } from './direct-client.ts'

/** Topics below `$notary/` on which one client is told something that concerns only itself. */
const ownTopic = {
  adminResponse: adminResponseTopic,
  keyExchangeResponse: keyExchangeResponseTopic,
  identityResponse: identityResponseTopic,
  rejected: rejectedTopic,
  receipt: receiptTopic,
} as const
export type OwnTopic = keyof typeof ownTopic
const ownTopics = Object.keys(ownTopic) as readonly OwnTopic[]

/** Subscriptions of this kind that one client may hold at a time, and how much longer than its topic each may be. */
const maxSubscriptions = 16
const maxSuffixLength = 256

/** What an answer needs of the properties of its request. */
export interface RequestProperties {
  readonly responseTopic?: string
  readonly correlationData?: Buffer
}

/**
 * The one place that knows who may subscribe below `$notary/` and sends there. Nothing on these topics is routed: a
 * message goes to the connection that it concerns, and only while it has a subscription that matches.
 */
export class DirectTopics {
  readonly #subscriptions = new WeakMap<DirectClient, Set<string>>()
  readonly #alarm: CommonTopic
  readonly #checkpoint: CommonTopic
  readonly #block: CommonTopic
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
    this.#alarm = new CommonTopic({
      topic: alarmTopic,
      mayHear: ({ isAdministrator }) => isAdministrator === true,
      onError,
    })
    this.#checkpoint = new CommonTopic({ topic: checkpointTopic, mayHear: anybody, onError })
    this.#block = new CommonTopic({ topic: blockTopic, mayHear: anybody, onError })
  }

  /**
   * Whether this client may subscribe to this filter below `$notary/`; remembers it when it may.
   * @param retainAsPublished what goes on as it comes has the retain flag that it was published with (MQTT 5)
   */
  subscribe(client: DirectClient, filter: string, retainAsPublished = false): boolean {
    const common = this.#commonTopic(filter)
    if (common !== undefined) return common.subscribe(client, retainAsPublished)
    const bases = ownTopics.flatMap((kind) => basesOf(client, kind))
    const isOwn = bases.some(
      (base) => filter === base || (filter.startsWith(`${base}/`) && filter.length <= base.length + maxSuffixLength),
    )
    if (!isOwn || !isValidTopicFilter(filter)) return false
    const filters = this.#subscriptions.get(client) ?? new Set()
    if (filters.size >= maxSubscriptions && !filters.has(filter)) return false
    filters.add(filter)
    this.#subscriptions.set(client, filters)
    return true
  }

  unsubscribe(client: DirectClient, filters: readonly string[]): void {
    for (const filter of filters) {
      this.#commonTopic(filter)?.unsubscribe(client)
      this.#subscriptions.get(client)?.delete(filter)
    }
  }

  /** The connection is over. */
  forget(client: DirectClient): void {
    for (const common of [this.#alarm, this.#checkpoint, this.#block]) common.unsubscribe(client)
    this.#subscriptions.delete(client)
  }

  /** Whether a client would be told what is its own. */
  isListening(client: DirectClient, kind: OwnTopic): boolean {
    return this.#reachable(client, basesOf(client, kind)) !== undefined
  }

  /** Tells every administrator that listens; one that is none any more is not told. */
  raiseAlarm(alarm: unknown): void {
    this.#alarm.tell(bytesOf(alarm))
  }

  /** Tells everybody who listens, now and later, the newest checkpoint: a signed note. */
  tellCheckpoint(note: string): void {
    this.#checkpoint.tell(Buffer.from(note), true)
  }

  /** Tells everybody who listens the signed header of a block. */
  tellBlock(signedHeader: Uint8Array): void {
    if (this.#block.hasListeners) this.#block.tell(bytesOf(signedHeader))
  }

  /** Sends what is retained under a filter to a client that has just subscribed to it. */
  sendRetained(client: DirectClient, filter: string): void {
    this.#commonTopic(filter)?.tellRetained(client)
  }

  /** Tells a client an event of its own. @returns false when it is larger than the client takes, and was left out */
  sendEvent(client: DirectClient, kind: OwnTopic, event: unknown): boolean {
    return this.sendResponse(client, kind, undefined, event)
  }

  /**
   * Answers a request. An MQTT 5 Response Topic is honoured at or below the client's own topic of that service, and
   * Correlation Data is returned.
   * @param response bytes as they are, anything else as JSON
   * @returns false when it is larger than the client takes, and was left out
   */
  sendResponse(
    client: DirectClient,
    kind: OwnTopic,
    request: RequestProperties | undefined,
    response: unknown,
  ): boolean {
    const bases = basesOf(client, kind)
    const asked = request?.responseTopic
    const isHonoured = asked !== undefined && bases.some((base) => asked === base || asked.startsWith(`${base}/`))
    const topic = this.#reachable(client, isHonoured ? [asked, ...bases] : bases)
    return topic === undefined || this.#send(client, topic, response, request?.correlationData)
  }

  #commonTopic(filter: string): CommonTopic | undefined {
    if (filter === alarmTopic) return this.#alarm
    if (filter === checkpointTopic) return this.#checkpoint
    return filter === blockTopic ? this.#block : undefined
  }

  #reachable(client: DirectClient, topics: readonly string[]): string | undefined {
    const filters = [...(this.#subscriptions.get(client) ?? [])]
    return topics.find((topic) => filters.some((filter) => topicMatchesFilter(topic, filter)))
  }

  #send(client: DirectClient, topic: string, content: unknown, correlationData: Buffer | undefined): boolean {
    const payload = bytesOf(content)
    const properties = client.version === 5 && correlationData !== undefined ? { correlationData } : undefined
    return sendDirect(
      client,
      properties === undefined ? { topic, payload } : { topic, payload, properties },
      this.#onError,
    )
  }
}

/** Where a client may hear of one service: by its client id, or by the name that every client has for itself. */
function basesOf({ id }: DirectClient, kind: OwnTopic): readonly string[] {
  return [ownTopic[kind](id), ownTopic[kind](ownClientId)]
}

/** Bytes as they are, anything else as JSON. */
function bytesOf(content: unknown): Buffer {
  return Buffer.from(content instanceof Uint8Array ? content : JSON.stringify(content))
}

const anybody = () => true
