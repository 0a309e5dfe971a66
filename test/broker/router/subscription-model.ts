import type { SharedGroup, SubscriptionOptions, Target } from '../../../broker/router/index.ts'
import { topicMatchesFilter } from '../../../protocol/index.ts'

/** A target as plain data: `own` is 'same' where it is the target itself. */
export interface PlainTarget {
  readonly subscriber: string
  readonly qos: number
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifiers: readonly number[]
  readonly own: PlainTarget | 'same' | undefined
}

export function plainTarget(target: Target<string>): PlainTarget {
  const { subscriber, qos, retainAsPublished, subscriptionIdentifiers, own } = target
  const plainOwn = own === target ? 'same' : own && plainTarget(own)
  return { subscriber, qos, retainAsPublished, subscriptionIdentifiers, own: plainOwn }
}

export function plainTargets(targets: Iterable<Target<string>>): PlainTarget[] {
  return [...targets].map(plainTarget).sort((a, b) => (a.subscriber < b.subscriber ? -1 : 1))
}

export interface PlainGroup {
  readonly name: string
  readonly members: readonly PlainTarget[]
}

/** Groups sorted by name, members in their order. */
export function plainGroups(groups: readonly SharedGroup<string>[]): PlainGroup[] {
  return groups
    .map((group) => ({ name: `${group.shareName} ${group.filter}`, members: [...group.members()].map(plainTarget) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

interface Entry {
  readonly subscriber: string
  readonly topicFilter: string
  options: SubscriptionOptions
}

/** All subscriptions in a list, oldest first; each question looks at all of them. */
export class SubscriptionList {
  #entries: Entry[] = []

  set(subscriber: string, topicFilter: string, options: SubscriptionOptions): boolean {
    const known = this.#find(subscriber, topicFilter)
    if (known === undefined) this.#entries.push({ subscriber, topicFilter, options })
    else known.options = options
    return known === undefined
  }

  delete(subscriber: string, topicFilter: string): boolean {
    const known = this.#find(subscriber, topicFilter)
    this.#entries = this.#entries.filter((entry) => entry !== known)
    return known !== undefined
  }

  count(isShared: boolean): number {
    return this.#entries.filter(({ topicFilter }) => topicFilter.startsWith('$share/') === isShared).length
  }

  get filterCount(): number {
    return new Set(this.#entries.map(({ topicFilter }) => topicFilter.replace(/^\$share\/[^/]+\//, ''))).size
  }

  targets(topicName: string): PlainTarget[] {
    const matching = this.#entries.filter(
      ({ topicFilter }) => !topicFilter.startsWith('$share/') && topicMatchesFilter(topicName, topicFilter),
    )
    const subscribers = [...new Set(matching.map(({ subscriber }) => subscriber))].sort()
    return subscribers.map((subscriber) => {
      const all = matching.filter((entry) => entry.subscriber === subscriber).map(({ options }) => options)
      return targetOf(subscriber, all)
    })
  }

  groups(topicName: string): PlainGroup[] {
    const groups = new Map<string, PlainTarget[]>()
    for (const { subscriber, topicFilter, options } of this.#entries) {
      const [, shareName, filter] = /^\$share\/([^/]+)\/(.+)$/.exec(topicFilter) ?? []
      if (shareName === undefined || filter === undefined || !topicMatchesFilter(topicName, filter)) continue
      const name = `${shareName} ${filter}`
      groups.set(name, [...(groups.get(name) ?? []), targetOf(subscriber, [options])])
    }
    return [...groups].map(([name, members]) => ({ name, members })).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #find(subscriber: string, topicFilter: string): Entry | undefined {
    return this.#entries.find((entry) => entry.subscriber === subscriber && entry.topicFilter === topicFilter)
  }
}

/** @param all options of the matching subscriptions, oldest first */
function targetOf(subscriber: string, all: readonly SubscriptionOptions[]): PlainTarget {
  const local = all.filter(({ noLocal }) => !noLocal)
  return {
    subscriber,
    qos: Math.max(...all.map(({ qos }) => qos)),
    retainAsPublished: all.some((options) => options.retainAsPublished),
    subscriptionIdentifiers: all.flatMap(({ subscriptionIdentifier }) => subscriptionIdentifier ?? []),
    own: local.length === 0 ? undefined : local.length === all.length ? 'same' : targetOf(subscriber, local),
  }
}
