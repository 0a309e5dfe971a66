import { faultOfRetentionRule } from '../../plugins/index.ts'
import type { RetentionRule } from '../options.ts'
import type { ConfigLine } from './lexer.ts'
import { checkedFilter, LineWords } from './line-words.ts'
import { bytesOf, errorAt, invalidValue, secondsOf } from './values.ts'

/**
 * `notary_retention bodies|records [age DURATION] [count N] [size BYTES] [topic FILTER]`, with one limit at least.
 * @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID
 */
export function readRetentionRule(line: ConfigLine): RetentionRule {
  const words = new LineWords(line)
  const { first: what } = words
  if (what !== 'bodies' && what !== 'records') throw invalidValue(line, what)
  const limits: Limits = {}
  for (let word = words.next(); word !== undefined; word = words.next()) {
    const [name, read] = keywords.get(word) ?? []
    if (name === undefined || read === undefined || name in limits) throw invalidValue(line, word)
    const value = words.wordAfter(word)
    const limit = name === 'topic' ? checkedFilter(line, value) : read(value)
    if (limit === undefined) throw invalidValue(line, `${word} ${value}`)
    Object.assign(limits, { [name]: limit })
  }
  const rule: RetentionRule = { what, ...limits }
  if (faultOfRetentionRule(rule) === undefined) return rule
  const reason = `Empty notary_retention value in configuration: say how long ${what} are kept, for example "age 90d".`
  throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', reason)
}

type Limits = Omit<RetentionRule, 'what'>

/** What a keyword limits, and what its word means. */
type Keyword = readonly [name: keyof Limits, read: (word: string) => number | string | undefined]

const keywords = new Map<string, Keyword>([
  ['age', ['ageSeconds', secondsOf]],
  ['count', ['count', countOf]],
  ['size', ['bytes', bytesOf]],
  ['topic', ['topic', (word) => word]],
])

function countOf(word: string): number | undefined {
  return /^\d+$/.test(word) && Number.isSafeInteger(Number(word)) ? Number(word) : undefined
}
