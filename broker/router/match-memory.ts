import { FilterWalk } from './filter-walk.ts'
import { TopicTree } from './topic-tree.ts'

/** How much is remembered before the memory starts afresh; what was forgotten in between counts as well. */
export interface MatchMemoryLimits {
  /** Number of topic names. */
  readonly topics: number
  /** Sum of the lengths of the topic names, in UTF-16 units. */
  readonly characters: number
  /** Sum of the weights of what is remembered of them. */
  readonly weight: number
}

export const defaultMatchMemoryLimits: MatchMemoryLimits = { topics: 20_000, characters: 2_000_000, weight: 500_000 }

/** Topic names longer than this, in UTF-16 units, are not remembered: looking them up costs as much as matching. */
export const maxRememberedTopicLength = 1000

/**
 * Number of topics remembered since the last change of a filter with wildcards, up to which it is worth finding those
 * that the filter covers. After a long time without changes it is cheaper to start afresh.
 */
export const maxTopicsBetweenChanges = 2000

/**
 * Nodes that may be visited to forget, for each topic remembered: about what matching it cost, so that forgetting is
 * never dearer than what it saves.
 */
const visitsPerTopic = 16

/** Nodes that each change may visit at no charge: making it has cost as much. */
const freeVisits = 32

const wildcard = /[+#]/

/**
 * What matching topic names gave, until a subscription changes it.
 *
 * A change of one filter makes forget only the topics which that filter covers, so clients that come and go do not slow
 * down everybody else. Finding those topics is paid from a budget that grows with each topic remembered: when it is used
 * up, everything is forgotten at once, and no stream of SUBSCRIBE packets can make the search dear.
 */
export class MatchMemory<M extends NonNullable<unknown>> {
  readonly #limits: MatchMemoryLimits
  readonly #matches = new Map<string, M>()
  /** Topic names, each kept at itself, to find those that a filter covers. Some of them may be forgotten already. */
  #index = new TopicTree<string>()
  /** Topic names that are not in the index yet: many never need to be. */
  #unindexed: string[] = []
  #used = { topics: 0, characters: 0, weight: 0 }
  #visitsLeft = 0

  constructor(limits: MatchMemoryLimits = defaultMatchMemoryLimits) {
    this.#limits = limits
  }

  /** Number of topic names remembered. */
  get size(): number {
    return this.#matches.size
  }

  get(topicName: string): M | undefined {
    return this.#matches.get(topicName)
  }

  /**
   * @param topicName not remembered yet
   * @param weight what the memory of this topic holds on to that others do not share, in objects
   */
  remember(topicName: string, matches: M, weight: number): void {
    if (topicName.length > maxRememberedTopicLength || weight > this.#limits.weight) return
    const used = this.#used
    const { topics, characters } = this.#limits
    if (
      used.topics >= topics ||
      used.characters + topicName.length > characters ||
      used.weight + weight > this.#limits.weight
    ) {
      this.#startAfresh()
    }
    this.#used.topics++
    this.#used.characters += topicName.length
    this.#used.weight += weight
    this.#matches.set(topicName, matches)
    if (this.#unindexed.length <= maxTopicsBetweenChanges) this.#unindexed.push(topicName)
    this.#visitsLeft += visitsPerTopic
  }

  /** Forgets the topics that a filter covers, and perhaps others. */
  forget(topicFilter: string): void {
    if (this.#matches.size === 0) return
    if (!wildcard.test(topicFilter)) {
      this.#matches.delete(topicFilter)
      return
    }
    if (this.#unindexed.length > maxTopicsBetweenChanges) {
      this.#startAfresh()
      return
    }
    for (const topicName of this.#unindexed) this.#index.set(topicName, topicName)
    this.#unindexed.length = 0
    const walk = new FilterWalk(this.#index.rootOf(topicFilter), topicFilter, this.#visitsLeft + freeVisits)
    for (const topicName of walk) {
      this.#matches.delete(topicName)
      this.#index.delete(topicName)
    }
    if (walk.isExhausted) this.#startAfresh()
    else this.#visitsLeft -= Math.max(0, walk.visits - freeVisits)
  }

  #startAfresh(): void {
    this.#matches.clear()
    this.#index = new TopicTree()
    this.#unindexed = []
    this.#used = { topics: 0, characters: 0, weight: 0 }
    this.#visitsLeft = 0
  }
}
