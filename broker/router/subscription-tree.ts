import { combineSlots, FilterSlot, type Matches } from './filter-slot.ts'
import { MatchMemory, type MatchMemoryLimits } from './match-memory.ts'
import { parseSharedFilter, type SharedFilter } from './shared-filter.ts'
import { SharedGroup } from './shared-group.ts'
import { Subscription, type SubscriptionOptions } from './subscription.ts'
import type { TopicNode } from './topic-node.ts'
import { TopicTree } from './topic-tree.ts'

/**
 * Who subscribes to what. Subscribers are compared by identity (as keys of a Map).
 *
 * Filters lie in a tree, a level each, with everybody who has the same filter in one place: subscribing, unsubscribing
 * and matching depend on the levels of a topic and on what matches, not on how many subscriptions there are.
 */
export class SubscriptionTree<S> {
  readonly #slots = new TopicTree<FilterSlot<S>>()
  readonly #memory: MatchMemory<Matches<S>>
  readonly #nobody = new FilterSlot<S>()
  #subscriptionCount = 0
  #sharedCount = 0
  #nextAge = 0

  constructor(memoryLimits?: MatchMemoryLimits) {
    this.#memory = new MatchMemory(memoryLimits)
  }

  /** Number of subscriptions that are not shared. */
  get subscriptionCount(): number {
    return this.#subscriptionCount
  }

  /** Number of shared subscriptions: members of all groups. */
  get sharedCount(): number {
    return this.#sharedCount
  }

  /** Number of different filters with subscriptions, `$share/<shareName>/` taken off. */
  get filterCount(): number {
    return this.#slots.size
  }

  /**
   * Makes a subscription, or replaces the options of the one with the same filter [MQTT-5.0 3.8.4-3].
   *
   * @param topicFilter `isValidSubscriptionFilter`, so it may be `$share/<shareName>/<filter>`
   * @returns whether there was none
   */
  set(subscriber: S, topicFilter: string, options: SubscriptionOptions): boolean {
    const shared = parseSharedFilter(topicFilter)
    return shared === undefined
      ? this.#setOwn(subscriber, topicFilter, options)
      : this.#setShared(subscriber, shared, options)
  }

  /** @returns whether there was such a subscription */
  delete(subscriber: S, topicFilter: string): boolean {
    const shared = parseSharedFilter(topicFilter)
    return shared === undefined ? this.#deleteOwn(subscriber, topicFilter) : this.#deleteShared(subscriber, shared)
  }

  /**
   * Who is to get a publish [MQTT-5.0 4.7]. The answer is shared with later callers: a snapshot but for the groups,
   * which know their members as of now.
   *
   * @param topicName a valid topic name
   */
  match(topicName: string): Matches<S> {
    const known = this.#memory.get(topicName)
    if (known !== undefined) return known
    const slots = this.#slotsOf(topicName)
    if (slots.length > 1) {
      const matches = combineSlots(slots)
      this.#memory.remember(topicName, matches, matches.targets.length + matches.groups.length)
      return matches
    }
    const { matches } = slots[0] ?? this.#nobody
    this.#memory.remember(topicName, matches, 0)
    return matches
  }

  /** The group of a shared subscription as long as it has members. @param topicFilter `$share/<name>/<filter>` */
  sharedGroup(topicFilter: string): SharedGroup<S> | undefined {
    const shared = parseSharedFilter(topicFilter)
    return shared === undefined ? undefined : this.#slots.get(shared.filter)?.group(shared.shareName)
  }

  #setOwn(subscriber: S, filter: string, options: SubscriptionOptions): boolean {
    const slot = this.#slotFor(filter)
    const known = slot.subscriptions.get(subscriber)
    if (known?.hasSameEffect(options)) return false
    slot.set(new Subscription(subscriber, options, known?.age ?? this.#nextAge++))
    this.#memory.forget(filter)
    if (known === undefined) this.#subscriptionCount++
    return known === undefined
  }

  #deleteOwn(subscriber: S, filter: string): boolean {
    const slot = this.#slots.get(filter)
    if (slot === undefined || !slot.delete(subscriber)) return false
    if (slot.isEmpty) this.#slots.delete(filter)
    this.#memory.forget(filter)
    this.#subscriptionCount--
    return true
  }

  #setShared(subscriber: S, { shareName, filter }: SharedFilter, options: SubscriptionOptions): boolean {
    const slot = this.#slotFor(filter)
    let group = slot.group(shareName)
    if (group === undefined) {
      group = new SharedGroup(shareName, filter)
      slot.addGroup(group)
      this.#memory.forget(filter)
    }
    const known = group.get(subscriber)
    group.set(new Subscription(subscriber, options, known?.age ?? this.#nextAge++))
    if (known === undefined) this.#sharedCount++
    return known === undefined
  }

  #deleteShared(subscriber: S, { shareName, filter }: SharedFilter): boolean {
    const slot = this.#slots.get(filter)
    const group = slot?.group(shareName)
    if (slot === undefined || group === undefined || !group.delete(subscriber)) return false
    if (group.size === 0) {
      slot.deleteGroup(shareName)
      if (slot.isEmpty) this.#slots.delete(filter)
      this.#memory.forget(filter)
    }
    this.#sharedCount--
    return true
  }

  #slotFor(filter: string): FilterSlot<S> {
    let slot = this.#slots.get(filter)
    if (slot === undefined) {
      slot = new FilterSlot()
      this.#slots.set(filter, slot)
    }
    return slot
  }

  /** The slots of all filters that cover a topic name, found level by level. */
  #slotsOf(topicName: string): FilterSlot<S>[] {
    const slots: FilterSlot<S>[] = []
    let nodes: TopicNode<FilterSlot<S>>[] = [this.#slots.rootOf(topicName)]
    for (let start = 0; nodes.length > 0; ) {
      const end = topicName.indexOf('/', start)
      const level = end === -1 ? topicName.slice(start) : topicName.slice(start, end)
      const below: TopicNode<FilterSlot<S>>[] = []
      for (const node of nodes) {
        const rest = node.child('#')?.value
        if (rest !== undefined) slots.push(rest)
        const same = node.child(level)
        if (same !== undefined) below.push(same)
        const any = node.child('+')
        if (any !== undefined) below.push(any)
      }
      nodes = below
      if (end === -1) break
      start = end + 1
    }
    // Where the topic ends: the filters that end here, and those that go on with `#` [MQTT-5.0 4.7.1.2].
    for (const node of nodes) {
      if (node.value !== undefined) slots.push(node.value)
      const rest = node.child('#')?.value
      if (rest !== undefined) slots.push(rest)
    }
    return slots
  }
}
