import type { PublishPacket } from 'aedes'
import {
  adminResponseTopic,
  alarmTopic,
  identityResponseTopic,
  isValidTopicFilter,
  keyExchangeResponseTopic,
  ownClientId,
  rejectedTopic,
  topicMatchesFilter,
} from '../../protocol/index.ts'
import { sendDirect } from '../aedes-seams.ts'

/** Topics below `$notary/` on which one client is told something that concerns only itself. */
const ownTopic = {
  adminResponse: adminResponseTopic,
  keyExchangeResponse: keyExchangeResponseTopic,
  identityResponse: identityResponseTopic,
  rejected: rejectedTopic,
} as const
export type OwnTopic = keyof typeof ownTopic
const ownTopics = Object.keys(ownTopic) as readonly OwnTopic[]

/** Subscriptions of this kind that one client may hold at a time, and how much longer than its topic each may be. */
const maxSubscriptions = 16
const maxSuffixLength = 256

/** A connection that can be told something: a client of Aedes, or of a broker of one's own. */
export interface DirectClient {
  readonly id: string
  /** Protocol version. */
  readonly version: number
  /** May hear of alarms. Default: no. */
  readonly isAdministrator?: boolean
  publish(packet: PublishPacket, done: (error?: Error) => void): void
}

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
  readonly #alarmed = new Set<DirectClient>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Whether this client may subscribe to this filter below `$notary/`; remembers it when it may. */
  subscribe(client: DirectClient, filter: string): boolean {
    if (filter === alarmTopic) {
      if (client.isAdministrator === true) this.#alarmed.add(client)
      return client.isAdministrator === true
    }
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
    for (const filter of filters) this.#subscriptions.get(client)?.delete(filter)
    if (filters.includes(alarmTopic)) this.#alarmed.delete(client)
  }

  /** The connection is over. */
  forget(client: DirectClient): void {
    this.#alarmed.delete(client)
  }

  /** Tells every administrator that listens; one that is none any more is not told. */
  raiseAlarm(alarm: unknown): void {
    for (const client of this.#alarmed) {
      if (client.isAdministrator === true) this.#send(client, alarmTopic, alarm, undefined)
    }
  }

  /** Tells a client an event of its own. */
  sendEvent(client: DirectClient, kind: OwnTopic, event: unknown): void {
    this.sendResponse(client, kind, undefined, event)
  }

  /**
   * Answers a request. An MQTT 5 Response Topic is honoured at or below the client's own topic of that service, and
   * Correlation Data is returned.
   * @param response bytes as they are, anything else as JSON
   */
  sendResponse(client: DirectClient, kind: OwnTopic, request: RequestProperties | undefined, response: unknown): void {
    const bases = basesOf(client, kind)
    const asked = request?.responseTopic
    const isHonoured = asked !== undefined && bases.some((base) => asked === base || asked.startsWith(`${base}/`))
    const topic = this.#reachable(client, isHonoured ? [asked, ...bases] : bases)
    if (topic !== undefined) this.#send(client, topic, response, request?.correlationData)
  }

  #reachable(client: DirectClient, topics: readonly string[]): string | undefined {
    const filters = [...(this.#subscriptions.get(client) ?? [])]
    return topics.find((topic) => filters.some((filter) => topicMatchesFilter(topic, filter)))
  }

  #send(client: DirectClient, topic: string, content: unknown, correlationData: Buffer | undefined): void {
    const payload = Buffer.from(content instanceof Uint8Array ? content : JSON.stringify(content))
    const properties = client.version === 5 && correlationData !== undefined ? { correlationData } : undefined
    sendDirect(client, properties === undefined ? { topic, payload } : { topic, payload, properties }, this.#onError)
  }
}

/** Where a client may hear of one service: by its client id, or by the name that every client has for itself. */
function basesOf({ id }: DirectClient, kind: OwnTopic): readonly string[] {
  return [ownTopic[kind](id), ownTopic[kind](ownClientId)]
}
