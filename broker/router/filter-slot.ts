import type { SharedGroup } from './shared-group.ts'
import { combine, type Subscription, type Target } from './subscription.ts'

/** Who is to get a publish: each target its copy, and of each group one member. */
export interface Matches<S> {
  /** One for each subscriber, however many of its subscriptions match; shared subscriptions do not count. */
  readonly targets: readonly Target<S>[]
  /** A subscriber may be a member of several, and a target as well: each group sends a copy of its own. */
  readonly groups: readonly SharedGroup<S>[]
}

/** All subscriptions with the same topic filter. */
export class FilterSlot<S> {
  readonly #subscriptions = new Map<S, Subscription<S>>()
  #groups: Map<string, SharedGroup<S>> | undefined
  #matches: Matches<S> | undefined

  get isEmpty(): boolean {
    return this.#subscriptions.size === 0 && this.#groups === undefined
  }

  get subscriptions(): ReadonlyMap<S, Subscription<S>> {
    return this.#subscriptions
  }

  group(shareName: string): SharedGroup<S> | undefined {
    return this.#groups?.get(shareName)
  }

  set(subscription: Subscription<S>): void {
    this.#subscriptions.set(subscription.subscriber, subscription)
    this.#matches = undefined
  }

  delete(subscriber: S): boolean {
    this.#matches = undefined
    return this.#subscriptions.delete(subscriber)
  }

  addGroup(group: SharedGroup<S>): void {
    this.#groups ??= new Map()
    this.#groups.set(group.shareName, group)
    this.#matches = undefined
  }

  deleteGroup(shareName: string): void {
    this.#groups?.delete(shareName)
    if (this.#groups?.size === 0) this.#groups = undefined
    this.#matches = undefined
  }

  /** What a publish gets that matches this filter and no other: the same object until a subscription changes. */
  get matches(): Matches<S> {
    this.#matches ??= { targets: [...this.#subscriptions.values()], groups: [...(this.#groups?.values() ?? [])] }
    return this.#matches
  }
}

/** What a publish gets that matches several filters. */
export function combineSlots<S>(slots: readonly FilterSlot<S>[]): Matches<S> {
  const first = new Map<S, Subscription<S>>()
  let overlapping: Map<S, Subscription<S>[]> | undefined
  const groups: SharedGroup<S>[] = []
  for (const slot of slots) {
    // Not by spreading into push: clients decide how many there are, and arguments lie on the stack.
    for (const group of slot.matches.groups) groups.push(group)
    for (const [subscriber, subscription] of slot.subscriptions) {
      const known = first.get(subscriber)
      if (known === undefined) first.set(subscriber, subscription)
      else {
        overlapping ??= new Map()
        const all = overlapping.get(subscriber)
        if (all === undefined) overlapping.set(subscriber, [known, subscription])
        else all.push(subscription)
      }
    }
  }
  const targets: Target<S>[] = []
  for (const [subscriber, subscription] of first) {
    const all = overlapping?.get(subscriber)
    targets.push(all === undefined ? subscription : combine(subscriber, all))
  }
  return { targets, groups }
}
