import { conflictBetween, isFreshSeconds } from '../../plugins/authorize-publish/policy-rule.ts'
import type { ProtectRule } from '../options.ts'
import type { Draft } from './draft.ts'
import type { ConfigError } from './errors.ts'
import type { ConfigLine } from './lexer.ts'
import { checkedFilter, LineWords } from './line-words.ts'
import { errorAt, invalidValue } from './values.ts'

/**
 * `notary_protect FILTER WORDS`.
 * @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID
 */
export function readProtectRule(line: ConfigLine): ProtectRule {
  const words = new LineWords(line)
  const filter = checkedFilter(line, words.first)
  const asked: { -readonly [Word in keyof ProtectRule]?: ProtectRule[Word] } = {}
  const keys: string[] = []
  const seen = new Set<string>()
  for (let word = words.next(); word !== undefined; word = words.next()) {
    // Patterns add up; anything else said twice is a mistake.
    if (seen.has(word) && word !== 'keys') throw invalidValue(line, word)
    seen.add(word)
    if (word === 'fresh') asked.freshSeconds = readAge(line, words)
    else if (word === 'keys') keys.push(words.patternAfter(word))
    else asked[checkedFlag(line, word)] = true
  }
  if (seen.size === 0) {
    const reason = `Empty notary_protect value in configuration: say what '${filter}' requires, for example "signed".`
    throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', reason)
  }
  if (asked.none === true && seen.size > 1) {
    const reason = `"none" stands alone: it takes away what wider filters than '${filter}' ask for.`
    throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', reason)
  }
  return { filter, ...asked, ...(keys.length === 0 ? undefined : { keys }) }
}

function readAge(line: ConfigLine, words: LineWords): number {
  const seconds = words.integerAfter('fresh')
  if (!isFreshSeconds(seconds)) throw invalidValue(line, `fresh ${seconds}`)
  return seconds
}

const flags = ['signed', 'mac', 'encrypted', 'tls', 'none'] as const

function checkedFlag(line: ConfigLine, word: string): (typeof flags)[number] {
  const flag = flags.find((one) => one === word)
  if (flag === undefined) throw invalidValue(line, word)
  return flag
}

/** Each `notary_protect ... none` of which it is unclear what it takes away: ERR_CONFIG_PROTECT_CONFLICT. */
export function protectConflicts({ protect }: Pick<Draft, 'protect'>): readonly ConfigError[] {
  return [...protect].flatMap(([none, line]) =>
    [...protect].flatMap(([other, { file, lineNumber, value }]) => {
      const conflict = conflictBetween(none, other)
      if (conflict === undefined) return []
      const reason = `"notary_protect ${line.value}" and "notary_protect ${value}" at ${file}:${lineNumber} ${conflict}.`
      return [errorAt(line, 'ERR_CONFIG_PROTECT_CONFLICT', reason)]
    }),
  )
}
