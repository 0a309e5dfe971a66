import type { AccessControlErrorCode, AclRule } from '../../../plugins/access-control/index.ts'

/** A line of an acl_file that stands before every `user`, and the rule for anonymous clients that it is. */
export interface GoodLine {
  readonly what: string
  readonly line: string
  readonly rule: AclRule
}

/** A line that is refused. */
export interface BadLine {
  readonly what: string
  readonly line: string
  readonly code: AccessControlErrorCode
  /** Whether Mosquitto starts with it all the same. */
  readonly isTakenByMosquitto?: true
}

const good = (what: string, line: string, access: AclRule['access'], filter: string): GoodLine => {
  return { what, line, rule: { access, filter } }
}

/** The interop test asks Mosquitto about each. */
export const goodLines: readonly GoodLine[] = [
  good('without an access word, which reads and writes', 'topic a/b', 'readwrite', 'a/b'),
  good('to read', 'topic read a', 'read', 'a'),
  good('to write', 'topic write a', 'write', 'a'),
  good('to read and write', 'topic readwrite a', 'readwrite', 'a'),
  good('to deny', 'topic deny a', 'deny', 'a'),
  good('with spaces in the filter', 'topic read a b/c d', 'read', 'a b/c d'),
  good('with an access word alone, which is the filter', 'topic deny', 'readwrite', 'deny'),
  good('with many spaces', '  topic   read    a   ', 'read', 'a'),
  good('with blanks around the filter', 'topic read \t a\t \v\f', 'read', 'a'),
  good('that ends with a carriage return', 'topic read a\r', 'read', 'a'),
  good('with %c, which is text in a topic line', 'topic read a/%c', 'read', 'a/%c'),
  good('with 200 separators', `topic read ${'/'.repeat(200)}`, 'read', '/'.repeat(200)),
  good('with a filter of 65,535 bytes', `topic read ${'ü'.repeat(32_767)}a`, 'read', `${'ü'.repeat(32_767)}a`),
  good('for topics that begin with $', 'topic read $SYS/#', 'read', '$SYS/#'),
  good('that looks like a shared subscription', 'topic read $share/g/a', 'read', '$share/g/a'),
]

/** The interop test asks Mosquitto about each. */
export const badLines: readonly BadLine[] = [
  { what: 'with an unknown word', line: 'topics read a', code: 'ERR_ACL_LINE_INVALID' },
  { what: 'with a capital', line: 'Topic read a', code: 'ERR_ACL_LINE_INVALID' },
  { what: 'with a tab before the word', line: '\ttopic read a', code: 'ERR_ACL_LINE_INVALID' },
  { what: 'with a tab behind the word', line: 'topic\tread a', code: 'ERR_ACL_LINE_INVALID' },
  { what: 'with a tab behind user', line: 'user\tann', code: 'ERR_ACL_LINE_INVALID' },
  { what: 'with blanks before the # of a comment', line: ' # a comment', code: 'ERR_ACL_LINE_INVALID' },
  { what: 'with a byte order mark', line: '\uFEFF# a comment', code: 'ERR_ACL_LINE_INVALID' },
  { what: 'with user and no name', line: 'user  ', code: 'ERR_ACL_USERNAME_MISSING' },
  { what: 'with topic and no filter', line: 'topic ', code: 'ERR_ACL_TOPIC_MISSING' },
  { what: 'with pattern and no filter', line: 'pattern', code: 'ERR_ACL_TOPIC_MISSING' },
  { what: 'with an unknown access', line: 'topic reed a', code: 'ERR_ACL_ACCESS_INVALID' },
  { what: 'with an access in capitals', line: 'topic READ a', code: 'ERR_ACL_ACCESS_INVALID' },
  { what: 'with spaces in the filter and no access', line: 'topic a b', code: 'ERR_ACL_ACCESS_INVALID' },
  { what: 'with a comment behind the filter', line: 'topic read a # all', code: 'ERR_ACL_TOPIC_INVALID' },
  { what: 'with # before the end', line: 'topic read a/#/b', code: 'ERR_ACL_TOPIC_INVALID' },
  { what: 'with + inside a level', line: 'topic read a+/b', code: 'ERR_ACL_TOPIC_INVALID' },
  { what: 'with a variable beside a +', line: 'pattern read a/%u+', code: 'ERR_ACL_TOPIC_INVALID' },
  { what: 'with 201 separators', line: `topic read ${'/'.repeat(201)}`, code: 'ERR_ACL_TOPIC_INVALID' },
  { what: 'with a filter of 65,536 bytes', line: `topic read ${'ü'.repeat(32_768)}`, code: 'ERR_ACL_TOPIC_INVALID' },
  ...(
    [
      { what: 'with a tab behind the access', line: 'topic deny\ta', code: 'ERR_ACL_TEXT_MALFORMED' },
      { what: 'with a control character', line: 'topic read a\u0001b', code: 'ERR_ACL_TEXT_MALFORMED' },
      { what: 'with a carriage return inside', line: 'user ann\rtopic read a', code: 'ERR_ACL_TEXT_MALFORMED' },
      { what: 'with U+0000', line: 'topic read a\0b', code: 'ERR_ACL_TEXT_MALFORMED' },
    ] as const
  ).map((line) => ({ ...line, isTakenByMosquitto: true as const })),
]
