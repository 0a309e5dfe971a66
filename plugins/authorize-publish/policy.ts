import { levelsCover, TopicMemory } from '../../protocol/index.ts'
import { filterStrictlyContains } from './policy-filters.ts'
import { mistakeInRules, type ProtectRule } from './policy-rule.ts'

/** What a publish to one topic must be, all rules taken together. */
export interface TopicPolicy {
  /** A COSE_Sign1 of an enrolled key: also where only `mac`, `fresh` or `keys` was asked for. */
  readonly signed: boolean
  /** Inside a hop MAC of a live session of its connection. */
  readonly mac: boolean
  /** The application payload has the form of a COSE_Encrypt0 or COSE_Encrypt. */
  readonly encrypted: boolean
  /** Over TLS; so must subscribers be. */
  readonly tls: boolean
  /** Most seconds between the signed time and the broker's clock; undefined: any age. */
  readonly freshSeconds: number | undefined
  /** Patterns that the name of the signing key must match, all of them. */
  readonly keys: readonly string[]
}

/** Of every topic of which nothing is asked: one object, so that this can be seen by identity. */
export const noTopicPolicy: TopicPolicy = Object.freeze({
  signed: false,
  mac: false,
  encrypted: false,
  tls: false,
  freshSeconds: undefined,
  keys: Object.freeze([]),
})

/** A rule that covers a topic, and the `none` because of which it does not apply there. */
export interface CoveringRule {
  readonly rule: ProtectRule
  readonly removedBy: ProtectRule | undefined
}

interface CutRule {
  readonly rule: ProtectRule
  /** Its filter, cut at its slashes. */
  readonly levels: readonly string[]
}

interface RuleWithExceptions extends CutRule {
  /** Rules with `none` whose filters lie strictly inside this one's. */
  readonly exceptions: readonly CutRule[]
}

/**
 * `notary_protect`: all rules that cover a topic apply together. Only `none` takes away: for the topics that it covers, the
 * rules whose filters strictly contain its own; those inside it stay. Without any rule everything may be published.
 */
export class PublishPolicy {
  readonly rules: readonly ProtectRule[]
  /** Some topic asks for TLS. */
  readonly hasTlsRules: boolean
  readonly #asking: readonly RuleWithExceptions[]
  readonly #memory = new TopicMemory<TopicPolicy>()

  /** @throws {RangeError} when a rule is none, or two cannot stand beside each other */
  constructor(rules: readonly ProtectRule[]) {
    const mistake = mistakeInRules(rules)
    if (mistake !== undefined) throw new RangeError(mistake)
    this.rules = Object.freeze([...rules])
    const nones = rules.filter(({ none }) => none === true)
    this.#asking = rules
      .filter(({ none }) => none !== true)
      .map((rule) => ({
        ...cut(rule),
        exceptions: nones.filter((none) => filterStrictlyContains(rule.filter, none.filter)).map(cut),
      }))
    this.hasTlsRules = rules.some(({ tls }) => tls === true)
  }

  /** What is asked of a topic. Frozen; `noTopicPolicy` itself where nothing is. */
  of(topic: string): TopicPolicy {
    if (this.#asking.length === 0) return noTopicPolicy
    return this.#memory.of(topic, this.#find)
  }

  readonly #find = (topic: string): TopicPolicy =>
    combineRules(this.explain(topic).flatMap(({ rule, removedBy }) => (removedBy ? [] : [rule])))

  requiresTls(topic: string): boolean {
    return this.hasTlsRules && this.of(topic).tls
  }

  /** The rules that ask something of a topic, those that a `none` removes included; in the order of the rules. */
  explain(topic: string): readonly CoveringRule[] {
    return this.#asking
      .filter(({ levels }) => levelsCover(levels, topic))
      .map(({ rule, exceptions }) => ({
        rule,
        removedBy: exceptions.find(({ levels }) => levelsCover(levels, topic))?.rule,
      }))
  }
}

function cut(rule: ProtectRule): CutRule {
  return { rule, levels: rule.filter.split('/') }
}

/** What rules ask for together; those with `none` add nothing. */
export function combineRules(rules: readonly ProtectRule[]): TopicPolicy {
  const asks = (word: 'signed' | 'mac' | 'encrypted' | 'tls') => rules.some((rule) => rule[word] === true)
  const mac = asks('mac')
  const ages = rules.flatMap(({ freshSeconds }) => freshSeconds ?? [])
  const keys = [...new Set(rules.flatMap((rule) => rule.keys ?? []))].toSorted()
  const policy: TopicPolicy = {
    // A MAC, an age and the name of a key are all properties of an envelope.
    signed: asks('signed') || mac || ages.length > 0 || keys.length > 0,
    mac,
    encrypted: asks('encrypted'),
    tls: asks('tls'),
    freshSeconds: ages.length === 0 ? undefined : Math.min(...ages),
    keys: keys.length === 0 ? noTopicPolicy.keys : Object.freeze(keys),
  }
  return policy.signed || policy.encrypted || policy.tls ? Object.freeze(policy) : noTopicPolicy
}
