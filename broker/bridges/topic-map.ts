import { isBelowNotary, isValidTopicFilter, topicMatchesFilter } from '../../protocol/index.ts'
import { maxTopicLevels, type QoS, topicLevels } from '../edge/index.ts'
import type { BridgeTopic } from './bridge-options.ts'
import { BridgeError } from './errors.ts'

const maxTopicBytes = 65_535

/** One filter to subscribe to. */
export interface MappedFilter {
  readonly filter: string
  readonly qos: QoS
}

/** One direction of a `topic` line. */
interface Rule {
  readonly filter: string
  readonly prefix: string
  readonly otherPrefix: string
  readonly qos: QoS
}

/** What goes one way over a bridge: the filters to subscribe to on one side, and the topics that they have on the other. */
export class TopicMap {
  readonly filters: readonly MappedFilter[]
  readonly #rules: readonly Rule[]

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
    const qosOf = new Map<string, QoS>()
    // A filter that is there twice is one subscription, with the higher QoS.
    for (const { filter, qos } of rules) qosOf.set(filter, higher(qos, qosOf.get(filter)))
    this.filters = [...qosOf].map(([filter, qos]) => ({ filter, qos }))
  }

  /** @returns undefined when no line has the topic, or when it would be none with its prefix on the other side */
  map(topic: string): string | undefined {
    for (const { filter, prefix, otherPrefix } of this.#rules) {
      if (!topicMatchesFilter(topic, filter)) continue
      const mapped = otherPrefix + topic.slice(prefix.length)
      if (mapped === '' || isBelowNotary(mapped) || topicLevels(mapped) > maxTopicLevels) return undefined
      return Buffer.byteLength(mapped) > maxTopicBytes ? undefined : mapped
    }
    return undefined
  }
}

/** Both directions of a bridge. */
export interface TopicMaps {
  /** Local topics to remote ones. */
  readonly out: TopicMap
  /** Remote topics to local ones. */
  readonly in: TopicMap
  /** Where a message that came in came from: its topic there by its topic here. */
  readonly origin: TopicMap
  /** Filters that an earlier configuration may have left subscribed there: those of lines that only go out. */
  readonly leftovers: readonly string[]
}

/**
 * Reads the `topic` lines of a bridge. Of several lines that match a topic the first counts.
 * @throws {BridgeError} ERR_BRIDGE_OPTIONS_INVALID
 */
export function mapTopics(bridge: string, topics: readonly BridgeTopic[]): TopicMaps {
  const out: Rule[] = []
  const inward: Rule[] = []
  const origin: Rule[] = []
  for (const { filter, direction, qos, localPrefix, remotePrefix } of topics) {
    const local = { filter: localPrefix + filter, prefix: localPrefix, otherPrefix: remotePrefix, qos }
    const remote = { filter: remotePrefix + filter, prefix: remotePrefix, otherPrefix: localPrefix, qos }
    for (const side of [local, remote]) {
      const isPlain = !side.prefix.includes('+') && !side.prefix.includes('#')
      if (isPlain && isValidTopicFilter(side.filter) && !isBelowNotary(side.filter)) continue
      const message = `connection ${bridge}: '${side.filter}' cannot be bridged`
      throw new BridgeError('ERR_BRIDGE_OPTIONS_INVALID', message)
    }
    if (direction !== 'in') out.push(local)
    if (direction !== 'out') {
      inward.push(remote)
      origin.push(local)
    }
  }
  const maps = { out: new TopicMap(out), in: new TopicMap(inward), origin: new TopicMap(origin) }
  const wanted = new Set(maps.in.filters.map(({ filter }) => filter))
  const sentTo = topics.map(({ remotePrefix, filter }) => remotePrefix + filter)
  return { ...maps, leftovers: [...new Set(sentTo)].filter((filter) => !wanted.has(filter)) }
}

function higher(qos: QoS, other: QoS | undefined): QoS {
  return other !== undefined && other > qos ? other : qos
}
