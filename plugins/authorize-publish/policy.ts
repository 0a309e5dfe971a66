import { isValidTopicFilter, topicMatchesFilter } from '../../protocol/index.ts'

/** What must hold for the topics that a filter matches. */
export interface ProtectRule {
  /** MQTT topic filter; as always `#` and `+` in first place do not cover `$...` topics. */
  readonly filter: string
  /** A publish must carry a COSE_Sign1 of an enrolled key. */
  readonly signed?: true
  /** Publishers and subscribers must have come over TLS. */
  readonly tls?: true
}

/** Answers are remembered for this many topics, and not for very long ones; beyond it the memory starts over. */
const maxRemembered = 10_000
const maxRememberedLength = 256

const signedBit = 1
const tlsBit = 2

/** `notary_protect`: all matching rules apply together. Without any, everything may be published. */
export class PublishPolicy {
  readonly rules: readonly ProtectRule[]
  /** Some topic asks for TLS. */
  readonly hasTlsRules: boolean
  readonly #remembered = new Map<string, number>()

  /** @throws {RangeError} when a filter is not a topic filter */
  constructor(rules: readonly ProtectRule[]) {
    for (const { filter } of rules)
      if (!isValidTopicFilter(filter)) throw new RangeError(`not a topic filter: ${filter}`)
    this.rules = Object.freeze([...rules])
    this.hasTlsRules = rules.some(({ tls }) => tls === true)
  }

  requiresSignature(topic: string): boolean {
    return (this.#requirements(topic) & signedBit) !== 0
  }

  requiresTls(topic: string): boolean {
    return this.hasTlsRules && (this.#requirements(topic) & tlsBit) !== 0
  }

  #requirements(topic: string): number {
    if (this.rules.length === 0) return 0
    const remembered = this.#remembered.get(topic)
    if (remembered !== undefined) return remembered
    let bits = 0
    for (const { filter, signed, tls } of this.rules) {
      if (topicMatchesFilter(topic, filter)) bits |= (signed === true ? signedBit : 0) | (tls === true ? tlsBit : 0)
    }
    if (topic.length <= maxRememberedLength) {
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
      this.#remembered.set(topic, bits)
    }
    return bits
  }
}
