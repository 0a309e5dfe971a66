import { isValidTopicFilter, topicMatchesFilter } from '../../protocol/index.ts'

/** What must hold for a publish to the topics that a filter matches. */
export interface ProtectRule {
  readonly filter: string
  readonly signed: true
}

/** Answers are remembered for this many topics, and not for very long ones; beyond it the memory starts over. */
const maxRemembered = 10_000
const maxRememberedLength = 256

/** `notary_protect`: all matching rules apply together. Without any, everything may be published. */
export class PublishPolicy {
  readonly rules: readonly ProtectRule[]
  readonly #remembered = new Map<string, boolean>()

  /** @throws {RangeError} when a filter is not a topic filter */
  constructor(rules: readonly ProtectRule[]) {
    for (const { filter } of rules)
      if (!isValidTopicFilter(filter)) throw new RangeError(`not a topic filter: ${filter}`)
    this.rules = Object.freeze([...rules])
  }

  requiresSignature(topic: string): boolean {
    if (this.rules.length === 0) return false
    const remembered = this.#remembered.get(topic)
    if (remembered !== undefined) return remembered
    const answer = this.rules.some((rule) => rule.signed && topicMatchesFilter(topic, rule.filter))
    if (topic.length <= maxRememberedLength) {
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
      this.#remembered.set(topic, answer)
    }
    return answer
  }
}
