import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { isValidTopicFilter } from '../../protocol/index.ts'
import { AccessControlError, type AccessControlErrorCode } from './errors.ts'

/** A larger file is not read. */
export const maxAclFileBytes = 16 * 1024 * 1024

/** Separators that a topic may have; Mosquitto takes no deeper one, in rules as in packets. */
export const maxTopicSeparators = 200

/** What a rule gives; `deny` takes both away, whatever else is given. */
export type AclAccess = 'read' | 'write' | 'readwrite' | 'deny'

export interface AclRule {
  readonly access: AclAccess
  /** In a pattern, `%c` stands for the client id and `%u` for the username. */
  readonly filter: string
}

/** Where something stands in an acl_file. */
export interface AclPlace {
  readonly file: string
  /** Counted from 1; comments and empty lines count. */
  readonly line: number
}

/** Something that is allowed and probably not meant. */
export interface AclWarning extends AclPlace {
  readonly message: string
}

/** What an acl_file says. */
export interface AclRules {
  /** `topic` lines before the first `user`: for clients without a username. */
  readonly anonymous: readonly AclRule[]
  /** `topic` lines by the `user` line before them; all blocks of one user together. */
  readonly users: ReadonlyMap<string, readonly AclRule[]>
  /** `pattern` lines, wherever they stand: for everybody. */
  readonly patterns: readonly AclRule[]
  readonly warnings: readonly AclWarning[]
}

const accessWords: ReadonlyMap<string, AclAccess> = new Map(
  (['read', 'write', 'readwrite', 'deny'] as const).map((word) => [word, word]),
)

// Any control character, and what the decoder leaves in place of bytes that are not UTF-8.
const malformed = /\p{Cc}|\uFFFD/u

/** An acl_file as it was read. */
export interface ReadAclFile extends AclRules {
  /** SHA-256 of its bytes. */
  readonly sha256: Uint8Array
}

/**
 * Reads an acl_file.
 * @throws {AccessControlError} any code of `accessControlErrors`
 */
export function readAclFile(path: string): ReadAclFile {
  const bytes = readBytes(path)
  // Invalid UTF-8 becomes U+FFFD, so that the parser can forgive it in comments and name the line elsewhere.
  return { ...parseAclFile(bytes.toString('utf8'), path), sha256: createHash('sha256').update(bytes).digest() }
}

function readBytes(path: string): Buffer {
  try {
    const stats = statSync(path)
    if (stats.size > maxAclFileBytes) throw tooLarge(path)
    // Mosquitto takes a directory for an empty file, which denies everything.
    if (stats.isFile()) return readFileSync(path)
  } catch (cause) {
    if (cause instanceof AccessControlError) throw cause
    throw unreadable(path, cause)
  }
  throw unreadable(path)
}

/**
 * Parses an acl_file as Mosquitto 2.0.11 does (run):
 *
 * - a comment has `#` as the very first character of its line, blanks before it make it an invalid line
 * - the first word is `user`, `topic` or `pattern`, in lower case; spaces before it do not matter
 * - `user NAME`: the name is the rest of the line, with spaces inside. It may come back later
 * - `topic [ACCESS] FILTER`: with more than one word the first is the access, and the rest of the line the filter, with
 *   spaces inside; a single word is the filter, for reading and writing, also when it is `deny`
 * - blanks at the end of a line go, a carriage return included
 *
 * One thing is stricter: a control character inside a word, and bytes that are not UTF-8, are refused. Mosquitto takes
 * them as part of it, so that the rule matches nothing; `topic deny<TAB>plant/#` even is a grant there.
 *
 * @param text the file, decoded as UTF-8 with replacement characters: a comment may hold bytes of any encoding
 * @param fileName for error messages
 * @throws {AccessControlError} all codes but ERR_ACL_FILE_UNREADABLE
 */
export function parseAclFile(text: string, fileName: string): AclRules {
  if (text.length > maxAclFileBytes) throw tooLarge(fileName)
  const anonymous: AclRule[] = []
  const users = new Map<string, AclRule[]>()
  const patterns: AclRule[] = []
  const warnings: AclWarning[] = []
  let own = anonymous
  for (const [index, raw] of text.split('\n').entries()) {
    const line = trimBlanksAtEnd(raw)
    if (line === '' || line.startsWith('#')) continue
    const place = { file: fileName, line: index + 1 }
    const [keyword, rest] = splitWord(line)
    if (keyword === 'user') {
      const username = parseUsername(rest, place)
      own = users.get(username) ?? []
      users.set(username, own)
    } else if (keyword === 'topic') own.push(parseRule(rest, place))
    else if (keyword === 'pattern') {
      const rule = parseRule(rest, place)
      patterns.push(rule)
      if (!/%[cu]/.test(rule.filter)) {
        warnings.push({ ...place, message: `ACL pattern '${rule.filter}' does not contain '%c' or '%u'.` })
      }
    } else throw invalid('ERR_ACL_LINE_INVALID', 'Invalid line', place)
  }
  return { anonymous, users, patterns, warnings }
}

function parseUsername(rest: string, place: AclPlace): string {
  const username = trimBlanks(rest)
  if (username === '') throw invalid('ERR_ACL_USERNAME_MISSING', 'Missing username', place)
  if (malformed.test(username)) throw invalid('ERR_ACL_TEXT_MALFORMED', 'Malformed username', place)
  return username
}

function parseRule(rest: string, place: AclPlace): AclRule {
  const [first, more] = splitWord(rest)
  if (first === '') throw invalid('ERR_ACL_TOPIC_MISSING', 'Empty topic', place)
  if (malformed.test(first)) throw invalid('ERR_ACL_TEXT_MALFORMED', 'Malformed topic', place)
  if (more === '') return { access: 'readwrite', filter: checkFilter(first, place) }
  const access = accessWords.get(first)
  if (access === undefined) throw invalid('ERR_ACL_ACCESS_INVALID', `Invalid topic access type "${first}"`, place)
  return { access, filter: checkFilter(trimBlanks(more), place) }
}

function checkFilter(filter: string, place: AclPlace): string {
  if (malformed.test(filter)) throw invalid('ERR_ACL_TEXT_MALFORMED', 'Malformed topic', place)
  if (!isValidTopicFilter(filter) || filter.split('/').length - 1 > maxTopicSeparators) {
    throw invalid('ERR_ACL_TOPIC_INVALID', 'Invalid ACL topic', place)
  }
  return filter
}

/** The first word after any spaces, and what follows the space behind it. */
function splitWord(text: string): readonly [word: string, rest: string] {
  let start = 0
  while (text[start] === ' ') start++
  const end = text.indexOf(' ', start)
  return end === -1 ? [text.slice(start), ''] : [text.slice(start, end), text.slice(end + 1)]
}

/** What `isspace` of C means, but for the line feed. A regular expression for the end would look at each run twice. */
const blanks = ' \t\v\f\r'

function trimBlanks(text: string): string {
  let start = 0
  while (start < text.length && blanks.includes(text.charAt(start))) start++
  return trimBlanksAtEnd(text.slice(start))
}

function trimBlanksAtEnd(text: string): string {
  let end = text.length
  while (end > 0 && blanks.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** @param reason Mosquitto's words; never more of the line than its access word */
function invalid(code: AccessControlErrorCode, reason: string, place: AclPlace): AccessControlError {
  return new AccessControlError(code, `${place.file}:${place.line}: ${reason}.`, { ...place })
}

function unreadable(file: string, cause?: unknown): AccessControlError {
  return new AccessControlError('ERR_ACL_FILE_UNREADABLE', `Unable to open acl_file "${file}".`, { file }, cause)
}

function tooLarge(file: string): AccessControlError {
  const reason = `larger than ${maxAclFileBytes} bytes`
  return new AccessControlError('ERR_ACL_FILE_TOO_LARGE', `${file}: ${reason}.`, { file })
}
