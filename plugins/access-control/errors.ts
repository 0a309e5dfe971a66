import { CodedError, type ErrorExplanation } from '../../protocol/coded-error.ts'

/** Every code of an access control list that is refused, with when it happens and what the operator should do. */
export const accessControlErrors = {
  ERR_ACL_FILE_UNREADABLE: {
    cause: 'the acl_file does not exist, is not a file or may not be read',
    remedy: 'check the path and its permissions',
  },
  ERR_ACL_FILE_TOO_LARGE: {
    cause: 'the acl_file is larger than 16 MiB',
    remedy: 'check the path; give groups of clients common rules with `pattern`',
  },
  ERR_ACL_TEXT_MALFORMED: {
    cause: 'a rule contains invalid UTF-8, a tab or another control character, and would match no client and no topic',
    remedy: 'save the file as UTF-8 text and put spaces between the words',
  },
  ERR_ACL_LINE_INVALID: {
    cause: 'a line begins with a word other than user, topic and pattern; a comment has # in column one',
    remedy: 'correct the line, or write # as its first character; save the file without a byte order mark',
  },
  ERR_ACL_USERNAME_MISSING: { cause: 'the word user without a name', remedy: 'write the username after it' },
  ERR_ACL_TOPIC_MISSING: {
    cause: 'the word topic or pattern without a topic filter',
    remedy: 'write the topic filter after it',
  },
  ERR_ACL_ACCESS_INVALID: {
    cause: 'a word before the topic filter other than read, write, readwrite and deny',
    remedy: 'write one of these; a topic filter that contains spaces needs one before it',
  },
  ERR_ACL_TOPIC_INVALID: {
    cause: 'what follows is not a topic filter: + or # inside a level, # not at the end, too long or too many levels',
    remedy: 'correct the topic filter',
  },
} as const satisfies Record<string, ErrorExplanation>

export type AccessControlErrorCode = keyof typeof accessControlErrors

/** Thrown for an access control list that cannot be used; `details` names file and line. */
export class AccessControlError extends CodedError<AccessControlErrorCode> {}
