import { isValidTopicFilter } from '../../protocol/topics/topic-filter.ts'
import type { DirectiveName } from './directives.ts'
import type { Draft } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import {
  errorAt,
  invalidValue,
  largestInt,
  readBytes,
  readCount,
  readPortAndAddress,
  readString,
  readWords,
  unsupportedValue,
} from './values.ts'

/** A day, in seconds. */
const largestConnectTimeout = 86_400

const protectWordsPlanned: ReadonlySet<string> = new Set(['mac', 'encrypted', 'tls', 'fresh', 'keys', 'none'])

/** Handlers of the directives that Mosquitto does not know. */
export const notaryHandlers = {
  notary_protect(draft, line) {
    const [filter, ...words] = readWords(line, Number.POSITIVE_INFINITY)
    // A topic name may begin with $share/, but nobody means that: the rule would protect nothing.
    if (!isValidTopicFilter(filter) || filter.startsWith('$share/')) {
      throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `Invalid topic filter '${filter}'.`)
    }
    for (const word of words) {
      if (protectWordsPlanned.has(word)) throw unsupportedValue(line, `${filter} ${word}`, 'planned for NotaryMQ')
      if (word !== 'signed' && word !== 'tls') throw invalidValue(line, word)
    }
    if (words.length === 0) {
      const reason = `Empty notary_protect value in configuration: say what '${filter}' requires, for example "signed".`
      throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', reason)
    }
    const rule = {
      filter,
      ...(words.includes('signed') ? { signed: true as const } : undefined),
      ...(words.includes('tls') ? { tls: true as const } : undefined),
    }
    draft.protect.push(rule)
  },

  notary_keys(draft, line) {
    draft.plain.keysDirectory = readString(line)
  },

  notary_admin(draft, line) {
    const name = readString(line)
    if (name === 'anonymous') draft.anonymousAdmin ??= line
    else draft.admins.push({ name, line })
  },
  notary_http(draft, line) {
    draft.httpListeners.push(readPortAndAddress(line))
  },

  notary_origin(draft, line) {
    const origin = readString(line)
    // It becomes the name of a key in signed notes, where spaces and plus signs separate (C2SP signed-note).
    if (/[\s+]/u.test(origin)) throw invalidValue(line)
    draft.plain.origin = origin
  },

  notary_connect_timeout(draft, line) {
    const seconds = readCount(line, largestConnectTimeout)
    if (seconds === 0) throw invalidValue(line)
    draft.plain.connectTimeoutSeconds = seconds
  },
  notary_max_connections_per_address(draft, line) {
    draft.plain.maxConnectionsPerAddress = readCount(line, largestInt)
  },
  notary_min_free(draft, line) {
    draft.plain.minFreeBytes = readBytes(line)
  },
  notary_response_information(draft, line) {
    draft.plain.responseInformation = readString(line)
  },
} as const satisfies { readonly [Name in DirectiveName]?: (draft: Draft, line: ConfigLine) => void }
