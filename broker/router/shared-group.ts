import type { Subscription, Target } from './subscription.ts'

/** A member, linked to its neighbours in a ring; alone, it is its own neighbour. */
class Member<S> {
  subscription: Subscription<S>
  previous: Member<S> = this
  next: Member<S> = this

  constructor(subscription: Subscription<S>) {
    this.subscription = subscription
  }

  insertBefore(next: Member<S>): void {
    this.previous = next.previous
    this.next = next
    next.previous.next = this
    next.previous = this
  }

  unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
  }
}

/**
 * One shared subscription `$share/<shareName>/<filter>` [MQTT-5.0 4.8.2]: each publish that matches goes to one of its
 * members. Whoever holds a group may keep it: members that come and go are seen, and without members it picks nobody.
 */
export class SharedGroup<S> {
  readonly shareName: string
  readonly filter: string
  readonly #members = new Map<S, Member<S>>()
  /** The member that joined first; the one before it in the ring joined last. */
  #oldest: Member<S> | undefined
  /** Whose turn it is. */
  #turn: Member<S> | undefined

  constructor(shareName: string, filter: string) {
    this.shareName = shareName
    this.filter = filter
  }

  /** Number of members. */
  get size(): number {
    return this.#members.size
  }

  /** What each member would get, in the order in which they joined. */
  *members(): Generator<Target<S>, undefined> {
    for (const member of this.#members.values()) yield member.subscription
  }

  /** The subscription of a member. */
  get(subscriber: S): Subscription<S> | undefined {
    return this.#members.get(subscriber)?.subscription
  }

  /** Adds a member behind all others, or replaces its subscription where it stands. */
  set(subscription: Subscription<S>): void {
    const known = this.#members.get(subscription.subscriber)
    if (known !== undefined) {
      known.subscription = subscription
      return
    }
    const member = new Member(subscription)
    if (this.#oldest !== undefined) member.insertBefore(this.#oldest)
    this.#oldest ??= member
    this.#turn ??= member
    this.#members.set(subscription.subscriber, member)
  }

  /** @returns whether it was a member */
  delete(subscriber: S): boolean {
    const member = this.#members.get(subscriber)
    if (member === undefined) return false
    this.#members.delete(subscriber)
    member.unlink()
    const next = member.next === member ? undefined : member.next
    if (this.#oldest === member) this.#oldest = next
    if (this.#turn === member) this.#turn = next
    return true
  }

  /**
   * The next member in turn that may be given a publish; the turn then passes to the one behind it. Those passed over
   * do not get their turn later. Asks each member at most once, so it costs O(members) when few may.
   *
   * @param isEligible must not change the group
   * @returns undefined when there is none
   */
  pick(isEligible: (subscriber: S) => boolean): Target<S> | undefined {
    let member = this.#turn
    for (let left = this.#members.size; left > 0 && member !== undefined; left--) {
      if (isEligible(member.subscription.subscriber)) {
        this.#turn = member.next
        return member.subscription
      }
      member = member.next
    }
    return undefined
  }
}
