/** What a client asks for with a subscription [MQTT-5.0 3.8.3.1]. */
export interface SubscriptionOptions {
  /** Granted maximum QoS. */
  readonly qos: 0 | 1 | 2
  /** Not to be sent what the client itself publishes. */
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** Matters when the subscription is made; nothing is matched by it. */
  readonly retainHandling: 0 | 1 | 2
  /** 1 to 268,435,455; undefined when the client gave none. */
  readonly subscriptionIdentifier: number | undefined
}

/** What one subscriber gets of a publish that several of its subscriptions may match. */
export interface Target<S> {
  readonly subscriber: S
  /** Highest granted QoS of the matching subscriptions [MQTT-5.0 3.3.4-2]. */
  readonly qos: 0 | 1 | 2
  /** Whether any of them has Retain As Published. */
  readonly retainAsPublished: boolean
  /**
   * Those of all of them, oldest subscription first, as often as they occur [MQTT-5.0 3.3.4-3], [MQTT-5.0 3.3.4-4].
   * The same empty array whenever there are none.
   */
  readonly subscriptionIdentifiers: readonly number[]
  /**
   * What remains when the subscriber itself is the publisher: subscriptions with No Local do not count
   * [MQTT-5.0 3.8.3-3]. Undefined when all have it, this object when none has it.
   */
  readonly own: Target<S> | undefined
}

const noIdentifiers: readonly number[] = []

/** One subscription, which is at the same time what its subscriber gets when no other of its subscriptions matches. */
export class Subscription<S> implements Target<S> {
  readonly subscriber: S
  readonly qos: 0 | 1 | 2
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifiers: readonly number[]
  readonly own: Target<S> | undefined
  /** Rises with each new subscription of a tree; one that is replaced keeps it. */
  readonly age: number

  constructor(subscriber: S, options: SubscriptionOptions, age: number) {
    this.subscriber = subscriber
    this.qos = options.qos
    this.retainAsPublished = options.retainAsPublished
    const identifier = options.subscriptionIdentifier
    this.subscriptionIdentifiers = identifier === undefined ? noIdentifiers : [identifier]
    this.own = options.noLocal ? undefined : this
    this.age = age
  }

  /** Whether a subscription made with these options would be matched no differently. */
  hasSameEffect(options: SubscriptionOptions): boolean {
    return (
      this.qos === options.qos &&
      this.retainAsPublished === options.retainAsPublished &&
      this.subscriptionIdentifiers[0] === options.subscriptionIdentifier &&
      (this.own === undefined) === options.noLocal
    )
  }
}

/**
 * What a subscriber gets when several of its subscriptions match.
 *
 * @param subscriptions of that subscriber, at least two, in any order
 */
export function combine<S>(subscriber: S, subscriptions: readonly Subscription<S>[]): Target<S> {
  const oldestFirst = subscriptions.toSorted((a, b) => a.age - b.age)
  const local = oldestFirst.filter((subscription) => subscription.own !== undefined)
  if (local.length === oldestFirst.length) return new CombinedTarget(subscriber, oldestFirst)
  const own = local.length > 1 ? new CombinedTarget(subscriber, local) : local[0]
  return new CombinedTarget(subscriber, oldestFirst, { own })
}

class CombinedTarget<S> implements Target<S> {
  readonly subscriber: S
  readonly qos: 0 | 1 | 2
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifiers: readonly number[]
  readonly own: Target<S> | undefined

  /** @param apart what the subscriber gets of its own publishes, where that is not the same */
  constructor(subscriber: S, oldestFirst: readonly Subscription<S>[], apart?: { own: Target<S> | undefined }) {
    let qos: 0 | 1 | 2 = 0
    let retainAsPublished = false
    const identifiers: number[] = []
    for (const subscription of oldestFirst) {
      if (subscription.qos > qos) qos = subscription.qos
      retainAsPublished ||= subscription.retainAsPublished
      identifiers.push(...subscription.subscriptionIdentifiers)
    }
    this.subscriber = subscriber
    this.qos = qos
    this.retainAsPublished = retainAsPublished
    this.subscriptionIdentifiers = identifiers.length === 0 ? noIdentifiers : identifiers
    this.own = apart === undefined ? this : apart.own
  }
}
