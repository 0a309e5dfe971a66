import { CodedError, type ErrorExplanation } from '../../protocol/coded-error.ts'

/** Every code of a configuration that is refused, with when it happens and what the operator should do. */
export const configErrors = {
  ERR_CONFIG_FILE_UNREADABLE: {
    cause: 'the configuration file does not exist, is a directory or may not be read',
    remedy: 'check the path given with -c and its permissions',
  },
  ERR_CONFIG_TEXT_MALFORMED: {
    cause: 'a line that is not a comment contains invalid UTF-8 or a control character',
    remedy: 'save the file as UTF-8 text and retype the line',
  },
  ERR_CONFIG_DIRECTIVE_UNKNOWN: {
    cause:
      'a word that neither Mosquitto nor NotaryMQ knows; names are case-sensitive, and a comment has # in column one',
    remedy: 'correct the spelling or remove the line',
  },
  ERR_CONFIG_DIRECTIVE_UNSUPPORTED: {
    cause: 'a directive of Mosquitto, or one planned for NotaryMQ, that this version does not honour',
    remedy: 'remove the line or wait for a version that honours it; it is never ignored',
  },
  ERR_CONFIG_VALUE_MISSING: { cause: 'a directive without its value', remedy: 'write the value after the name' },
  ERR_CONFIG_VALUE_INVALID: {
    cause: 'a value outside what the directive accepts, or more words than it takes',
    remedy: 'write one of the accepted values; booleans are exactly true, false, 1 or 0',
  },
  ERR_CONFIG_VALUE_UNSUPPORTED: {
    cause: 'a value that Mosquitto accepts but this version does not honour',
    remedy: 'use a value this version honours or wait; it is never ignored',
  },
  ERR_CONFIG_VALUE_DUPLICATE: {
    cause: 'a directive that takes one value stands in the file twice',
    remedy: 'keep the line that is meant',
  },
  ERR_CONFIG_PORT_INVALID: { cause: 'a port that is not a number from 1 to 65535', remedy: 'write such a number' },
  ERR_CONFIG_INCLUDE_UNREADABLE: {
    cause: 'the directory of include_dir, or a file in it that ends in .conf, does not exist or may not be read',
    remedy: 'check the path, which is relative to the working directory, and the permissions',
  },
  ERR_CONFIG_ORDER: {
    cause:
      'per_listener_settings stands below a directive that it moves, which would then be half in one place and half in the other',
    remedy: 'make it the first line',
  },
  ERR_CONFIG_CONNECTION_MISSING: {
    cause: 'a directive of a bridge stands above the first connection',
    remedy: 'move it below the connection it belongs to',
  },
  ERR_CONFIG_BRIDGE_INCOMPLETE: {
    cause: 'a connection has no address or no topic, or some of what TLS or a login needs',
    remedy: 'add what the message names',
  },
  ERR_CONFIG_TLS_INCOMPLETE: {
    cause:
      'a listener has some of certfile, keyfile, cafile, require_certificate and tls_version, but not certfile and keyfile, or require_certificate without cafile',
    remedy: 'add what is missing, or remove the rest: Mosquitto would start such a listener without TLS',
  },
  ERR_CONFIG_ADMIN_NOT_LOOPBACK: {
    cause:
      'notary_admin anonymous, but no TCP listener is bound to a loopback address: strangers would be administrators',
    remedy: 'add "listener PORT 127.0.0.1" or remove notary_admin',
  },
  ERR_CONFIG_ADMIN_UNPROVABLE: {
    cause: 'notary_admin with a username, but no listener asks for a proof of usernames',
    remedy: 'add password_file, or use_identity_as_username to a listener that requires certificates',
  },
  ERR_CONFIG_PROTECT_CONFLICT: {
    cause:
      'a notary_protect line with none covers the same topics as one without, or some of its topics without being inside it or around it',
    remedy: 'make one of the two filters lie strictly inside the other, or remove a line',
  },
  ERR_CONFIG_SECURITY_FILE_UNREADABLE: {
    cause: 'the file of password_file or acl_file does not exist or may not be read',
    remedy: 'check the path, which is relative to the working directory, and the permissions',
  },
  ERR_CONFIG_NAMED_FILE_UNREADABLE: {
    cause: 'a certificate, key or other file or directory that a line names does not exist or may not be read',
    remedy: 'check the path, which is relative to the working directory, and the permissions',
  },
} as const satisfies Record<string, ErrorExplanation>

export type ConfigErrorCode = keyof typeof configErrors

/** All codes, for tests and documents. */
export const configErrorCodes = Object.keys(configErrors) as readonly ConfigErrorCode[]

/** What Mosquitto 2.0.11 exits with for every mistake in a configuration, a configuration file it cannot open included (run). */
export const configErrorExitCode = 3

/** Mosquitto 2.0.11 has other exit codes for files that a configuration names (run). */
function exitCodeOf(code: ConfigErrorCode): number {
  if (code === 'ERR_CONFIG_SECURITY_FILE_UNREADABLE') return 13
  return code === 'ERR_CONFIG_NAMED_FILE_UNREADABLE' ? 1 : configErrorExitCode
}

/** Where a mistake stands. Without a line number: the file as a whole; without a file: the command line. */
export interface ConfigPlace {
  readonly file?: string
  /** Counted from 1. */
  readonly lineNumber?: number
  /** Of a file that another one includes: where that says so. */
  readonly includedBy?: ConfigPlace
}

/** A configuration that is refused. `message` names file and line; `reason` is Mosquitto's sentence alone. */
export class ConfigError extends CodedError<ConfigErrorCode> {
  readonly reason: string
  readonly file: string | undefined
  /** Counted from 1. */
  readonly line: number | undefined
  /** What the process should exit with. */
  readonly exitCode: number
  readonly includedBy: ConfigPlace | undefined

  constructor(code: ConfigErrorCode, reason: string, place: ConfigPlace = {}, cause?: unknown) {
    const { file, lineNumber: line } = place
    super(code, file === undefined || line === undefined ? reason : `${file}:${line}: ${reason}`, { file, line }, cause)
    this.reason = reason
    this.file = file
    this.line = line
    this.includedBy = place.includedBy
    this.exitCode = exitCodeOf(code)
  }
}

/**
 * The lines Mosquitto prints, without a time stamp and without a final line break: `Error: REASON` and, where the
 * mistake is in a line, `Error found at FILE:LINE.`, also for the line that includes the file.
 */
export function formatConfigError({ reason, file, line, includedBy }: ConfigError): string {
  const found = [{ file, lineNumber: line }, includedBy].flatMap((place) =>
    place?.file === undefined || place.lineNumber === undefined
      ? []
      : [`\nError found at ${place.file}:${place.lineNumber}.`],
  )
  return `Error: ${reason}${found.join('')}`
}
