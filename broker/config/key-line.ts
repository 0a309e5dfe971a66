import { faultOfRestrictions, type KeyRestrictions } from '../../protocol/index.ts'
import type { KeyRule } from '../options.ts'
import type { ConfigLine } from './lexer.ts'
import { checkedFilter, LineWords } from './line-words.ts'
import { errorAt, invalidValue } from './values.ts'

const keywords: ReadonlySet<string> = new Set(['clients', 'users', 'topics', 'clock', 'window', 'gateway'])

/**
 * `notary_key NAME [clients PATTERN]... [users PATTERN]... [topics FILTER...] [clock none] [window N] [gateway]`. A topic
 * filter cannot read like one of these keywords.
 * @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID
 */
export function readKeyRule(line: ConfigLine): KeyRule {
  // Elsewhere `#` begins a comment. In a list of filters that would be a guess, and what stands behind it would be lost.
  if (/[ \t]#/.test(line.value)) {
    const reason = 'notary_key takes no comment behind it, and the topic filter # would restrict nothing.'
    throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', reason)
  }
  const words = new LineWords(line)
  const name = words.first
  // Whoever writes this means several keys; the line would concern none.
  if (name.includes('*')) throw invalidValue(line, name)
  const lists: Record<'clients' | 'users' | 'topics', string[]> = { clients: [], users: [], topics: [] }
  const once: { -readonly [Word in 'clock' | 'window' | 'gateway']?: KeyRestrictions[Word] } = {}
  for (let word = words.next(); word !== undefined; word = words.next()) {
    if (word in once) throw invalidValue(line, word)
    if (word === 'clients' || word === 'users') lists[word].push(words.patternAfter(word))
    else if (word === 'topics')
      lists.topics.push(...words.allAfter(word, keywords).map((filter) => checkedFilter(line, filter)))
    else if (word === 'clock') once.clock = words.choiceAfter(word, 'none')
    else if (word === 'window') once.window = words.integerAfter(word)
    else if (word === 'gateway') once.gateway = true
    else throw invalidValue(line, word)
  }
  const filled = Object.entries(lists).filter(([, list]) => list.length > 0)
  const restrictions: KeyRestrictions = { ...Object.fromEntries(filled), ...once }
  if (Object.keys(restrictions).length === 0) {
    const reason = `Empty notary_key value in configuration: say what the key '${name}' may do, for example "topics a/#".`
    throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', reason)
  }
  const fault = faultOfRestrictions(restrictions)
  if (fault === undefined) return { name, restrictions }
  throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `Invalid notary_key value (${fault}).`)
}
