import { isNamePattern } from '../../plugins/authorize-publish/policy-rule.ts'
import { isValidTopicFilter } from '../../protocol/topics/topic-filter.ts'
import type { ConfigError } from './errors.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt, invalidValue, readWords } from './values.ts'

/** The words of a line, one after another: a keyword, and what belongs to it. Each method throws ConfigError. */
export class LineWords {
  readonly first: string
  readonly #line: ConfigLine
  readonly #rest: string[]

  /** @throws {ConfigError} ERR_CONFIG_VALUE_MISSING */
  constructor(line: ConfigLine) {
    const [first, ...rest] = readWords(line, Number.POSITIVE_INFINITY)
    this.first = first
    this.#line = line
    this.#rest = rest
  }

  next(): string | undefined {
    return this.#rest.shift()
  }

  /** The words up to one of `keywords`: one at least. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING */
  allAfter(keyword: string, keywords: ReadonlySet<string>): readonly string[] {
    const end = this.#rest.findIndex((word) => keywords.has(word))
    const words = this.#rest.splice(0, end === -1 ? this.#rest.length : end)
    if (words.length === 0) throw this.#nothingAfter(keyword)
    return words
  }

  /** @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID */
  patternAfter(keyword: string): string {
    const word = this.wordAfter(keyword)
    if (!isNamePattern(word)) throw invalidValue(this.#line, `${keyword} ${word}`)
    return word
  }

  /** The one word that may stand behind a keyword. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID */
  choiceAfter<const T extends string>(keyword: string, choice: T): T {
    const word = this.wordAfter(keyword)
    if (word !== choice) throw invalidValue(this.#line, `${keyword} ${word}`)
    return choice
  }

  /** A number without sign or fraction. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID */
  integerAfter(keyword: string): number {
    const word = this.wordAfter(keyword)
    if (!/^\d+$/.test(word)) throw invalidValue(this.#line, `${keyword} ${word}`)
    return Number(word)
  }

  /** The word behind a keyword. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING */
  wordAfter(keyword: string): string {
    const word = this.next()
    if (word === undefined) throw this.#nothingAfter(keyword)
    return word
  }

  #nothingAfter(keyword: string): ConfigError {
    const reason = `Empty ${this.#line.name} ${keyword} value in configuration.`
    return errorAt(this.#line, 'ERR_CONFIG_VALUE_MISSING', reason)
  }
}

/** @throws {ConfigError} ERR_CONFIG_VALUE_INVALID */
export function checkedFilter(line: ConfigLine, filter: string): string {
  // A topic name may begin with $share/, but nobody means that: the line would concern nothing.
  if (isValidTopicFilter(filter) && !filter.startsWith('$share/')) return filter
  throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `Invalid topic filter '${filter}'.`)
}

/** A line of one topic filter. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID */
export function readFilter(line: ConfigLine): string {
  return checkedFilter(line, readWords(line, 1)[0])
}
