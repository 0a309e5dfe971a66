import { isValidTopicFilter } from '../../protocol/index.ts'
import { filterContains, filtersOverlap } from './policy-filters.ts'

/** One `notary_protect` line: what must hold for the topics that a filter covers. */
export interface ProtectRule {
  /** MQTT topic filter; as always `#` and `+` in first place do not cover `$...` topics. */
  readonly filter: string
  /** A publish must carry a COSE_Sign1 of an enrolled key. */
  readonly signed?: true
  /** The COSE_Sign1 must come inside a hop MAC of a live session of its connection. Implies `signed`. */
  readonly mac?: true
  /** The application payload must have the form of a COSE_Encrypt0 or COSE_Encrypt. */
  readonly encrypted?: true
  /** Publishers and subscribers must have come over TLS. */
  readonly tls?: true
  /** Most seconds between the signed time and the broker's clock. Implies `signed`. */
  readonly freshSeconds?: number
  /** Patterns that the name of the signing key must match, all of them; `*` is any run of characters. Implies `signed`. */
  readonly keys?: readonly string[]
  /** Takes away what rules with wider filters ask for; stands alone. */
  readonly none?: true
}

/** A year: who means more means no bound. */
export const largestFreshSeconds = 31_536_000

/** Key names have no more. */
const maxPatternBytes = 255

/** Whether a string may stand for names: not empty, and no longer than a name. */
export function isNamePattern(pattern: unknown): pattern is string {
  return typeof pattern === 'string' && pattern !== '' && new TextEncoder().encode(pattern).length <= maxPatternBytes
}

/** Whether a number may stand behind `fresh`. */
export function isFreshSeconds(seconds: unknown): boolean {
  return Number.isInteger(seconds) && Number(seconds) >= 1 && Number(seconds) <= largestFreshSeconds
}

/** Why two rules cannot stand beside each other, in words that go behind "they". */
export type RuleConflict = 'cover the same topics' | 'share topics, and neither is inside the other'

/**
 * Whether it is unclear what a rule with `none` takes away of another one: it must be the narrower or the wider one.
 * @returns undefined where it is clear, also where `none` is not a rule with none, or `other` is one
 */
export function conflictBetween(none: ProtectRule, other: ProtectRule): RuleConflict | undefined {
  if (none.none !== true || other.none === true) return undefined
  const isInside = filterContains(other.filter, none.filter)
  const isAround = filterContains(none.filter, other.filter)
  if (isInside && isAround) return 'cover the same topics'
  if (isInside || isAround || !filtersOverlap(none.filter, other.filter)) return undefined
  return 'share topics, and neither is inside the other'
}

/** What is wrong with rules that came from outside, in words; undefined where nothing is. */
export function mistakeInRules(rules: readonly ProtectRule[]): string | undefined {
  for (const rule of rules) {
    const mistake = mistakeInRule(rule)
    if (mistake !== undefined) return mistake
  }
  for (const none of rules) {
    for (const other of rules) {
      const conflict = conflictBetween(none, other)
      if (conflict !== undefined) return `${none.filter} with none and ${other.filter} without ${conflict}`
    }
  }
  return undefined
}

function mistakeInRule(rule: ProtectRule): string | undefined {
  const { filter, freshSeconds, keys, none } = rule
  if (typeof filter !== 'string' || !isValidTopicFilter(filter)) return `not a topic filter: ${filter}`
  for (const word of ['signed', 'mac', 'encrypted', 'tls', 'none'] as const) {
    if (rule[word] !== undefined && rule[word] !== true) return `${filter}: ${word} is true or absent`
  }
  if (freshSeconds !== undefined && !isFreshSeconds(freshSeconds)) {
    return `${filter}: freshSeconds is an integer from 1 to ${largestFreshSeconds}`
  }
  if (keys !== undefined && !(Array.isArray(keys) && keys.length > 0 && keys.every(isNamePattern))) {
    return `${filter}: keys is a list of patterns`
  }
  const asks = [rule.signed, rule.mac, rule.encrypted, rule.tls, freshSeconds, keys].some((word) => word !== undefined)
  if (none === true && asks) return `${filter}: none stands alone`
  if (none !== true && !asks) return `${filter}: asks for nothing`
  return undefined
}
