import { topicMatchesFilter } from '../../protocol/index.ts'
import { type AclRule, type AclRules, maxTopicSeparators } from './acl-file.ts'
import { RuleTree, right } from './rule-tree.ts'

/** Whom rules are about. */
export interface AclIdentity {
  readonly clientId: string
  /** Undefined or empty: anonymous. */
  readonly username: string | undefined
}

/** What one client may do. */
export interface ClientAccess {
  /** Whether messages of this topic may be delivered to it. */
  mayRead(topicName: string): boolean
  /** Whether it may publish to this topic. */
  mayWrite(topicName: string): boolean
}

/**
 * An acl_file at work, as with Mosquitto 2.0.11 (run):
 *
 * - the `topic` lines of the client's username first, then the `pattern` lines, which are for everybody. In each of the
 *   two a `deny` wins; what the first decides, the second does not change
 * - what no line covers is denied, so an empty file denies everything
 * - a client whose username or client id contains `+` or `#` gets nothing from patterns; its own lines hold
 * - patterns with `%u` do not hold for clients without a username
 * - nobody publishes to topics that begin with `$SYS`, but for the state of bridges, and nobody reads or publishes those
 *   that begin with `$share`; other topics with `$` are covered by rules that begin with it
 *
 * It says nothing of SUBSCRIBE, which an acl_file never refuses: ask `mayRead` for each message.
 */
export class AccessControl {
  readonly #lists = new Map<string | undefined, OwnAccess>()
  /** Of all whose username has no lines. */
  readonly #noList: OwnAccess
  /** Of all clients; undefined without a `pattern` line. */
  readonly #patterns: RuleTree | undefined
  readonly #splitter = new TopicSplitter()

  constructor(rules: AclRules) {
    this.#noList = new OwnAccess([], this.#splitter)
    this.#lists.set(undefined, new OwnAccess(rules.anonymous, this.#splitter))
    for (const [username, list] of rules.users) this.#lists.set(username, new OwnAccess(list, this.#splitter))
    this.#patterns = rules.patterns.length === 0 ? undefined : treeOf(rules.patterns, true)
  }

  /**
   * The access of one client, to be kept as long as its connection or session. Clients whose access cannot differ get
   * the same object, so that a message to many of them can be judged once.
   */
  for(identity: AclIdentity): ClientAccess {
    const { clientId } = identity
    const username = identity.username || undefined
    const own = this.#lists.get(username) ?? this.#noList
    // With such a name a client could make a pattern cover what belongs to others.
    const isDangerous = wildcard.test(clientId) || (username !== undefined && wildcard.test(username))
    if (this.#patterns === undefined || isDangerous) return own
    const meanings = this.#patterns.variables.map((variable) => meaningOf(variable, clientId, username))
    return new PatternAccess(own, this.#patterns, meanings, this.#splitter)
  }
}

const wildcard = /[+#]/

/** The levels of topic names. The last one is kept: a message asks for the same topic for each of its subscribers. */
class TopicSplitter {
  #topicName: string | undefined
  #levels: readonly string[] = []

  split(topicName: string): readonly string[] {
    if (topicName !== this.#topicName) {
      this.#topicName = topicName
      this.#levels = levelsOf(topicName)
    }
    return this.#levels
  }
}

/** As `split('/')`, in half the time. */
function levelsOf(topicName: string): readonly string[] {
  const levels: string[] = []
  for (let start = 0; ; ) {
    const end = topicName.indexOf('/', start)
    if (end === -1) {
      levels.push(topicName.slice(start))
      return levels
    }
    levels.push(topicName.slice(start, end))
    start = end + 1
  }
}

/** The `topic` lines of one username, or of anonymous clients. */
class OwnAccess implements ClientAccess {
  readonly #tree: RuleTree
  readonly #splitter: TopicSplitter
  #lastTopicName: string | undefined
  #lastRights = 0

  constructor(rules: readonly AclRule[], splitter: TopicSplitter) {
    this.#splitter = splitter
    this.#tree = treeOf(rules, false)
  }

  mayRead(topicName: string): boolean {
    return canBeRead(topicName) && this.decide(topicName, right.read) === true
  }

  mayWrite(topicName: string): boolean {
    return canBeWritten(topicName) && this.decide(topicName, right.write) === true
  }

  /** Undefined: these rules say neither yes nor no. */
  decide(topicName: string, wanted: number): boolean | undefined {
    if (topicName !== this.#lastTopicName) {
      this.#lastRights = this.#tree.rightsTo(this.#splitter.split(topicName))
      this.#lastTopicName = topicName
    }
    return decided(this.#lastRights, wanted)
  }
}

/** The `topic` lines of a username, then the `pattern` lines as they read for one client. */
class PatternAccess implements ClientAccess {
  readonly #own: OwnAccess
  readonly #patterns: RuleTree
  readonly #meanings: readonly Meaning[]
  readonly #splitter: TopicSplitter

  constructor(own: OwnAccess, patterns: RuleTree, meanings: readonly Meaning[], splitter: TopicSplitter) {
    this.#own = own
    this.#patterns = patterns
    this.#meanings = meanings
    this.#splitter = splitter
  }

  mayRead(topicName: string): boolean {
    return canBeRead(topicName) && this.#decide(topicName, right.read)
  }

  mayWrite(topicName: string): boolean {
    return canBeWritten(topicName) && this.#decide(topicName, right.write)
  }

  #decide(topicName: string, wanted: number): boolean {
    const own = this.#own.decide(topicName, wanted)
    if (own !== undefined) return own
    const rights = this.#patterns.rightsTo(this.#splitter.split(topicName), this.#meanings)
    return decided(rights, wanted) === true
  }
}

function decided(rights: number, wanted: number): boolean | undefined {
  if ((rights & right.deny) !== 0) return false
  return (rights & wanted) !== 0 ? true : undefined
}

function treeOf(rules: readonly AclRule[], arePatterns: boolean): RuleTree {
  const tree = new RuleTree()
  for (const { access, filter } of rules) tree.add(filter, access, arePatterns)
  return tree
}

/** What a level with variables reads for one client; undefined: nothing that a topic could contain. */
type Meaning = readonly string[] | undefined

/** As text, once from left to right: what a name contributes is not looked at again, and may be several levels. */
function meaningOf(level: string, clientId: string, username: string | undefined): Meaning {
  if (username === undefined && level.includes('%u')) return undefined
  const levels = levelsOf(level.replace(/%[cu]/g, (variable) => (variable === '%c' ? clientId : (username ?? ''))))
  // No topic is as deep; a client id of separators would be a large array for each client.
  return levels.length - 1 > maxTopicSeparators ? undefined : levels
}

/** Shared subscriptions are no topics. Like Mosquitto, this looks at the beginning of the name, not at its first level. */
function canBeRead(topicName: string): boolean {
  return !topicName.startsWith('$share')
}

/** The broker's own topics are not its clients'; a bridge of another broker may tell its state. */
function canBeWritten(topicName: string): boolean {
  if (!topicName.startsWith('$')) return true
  if (topicName.startsWith('$SYS')) return topicMatchesFilter(topicName, '$SYS/broker/connection/+/state')
  return !topicName.startsWith('$share')
}
