import { CodedError, type ErrorExplanation } from '../../protocol/coded-error.ts'

/** Every code of the log, with when it happens and what to do. */
export const logErrors = {
  ERR_LOG_SYSLOG_UNAVAILABLE: {
    cause: 'log_dest syslog, and this machine has no journal of systemd; /dev/log is out of reach of this runtime',
    remedy: 'use log_dest stderr, stdout or file, and let the service manager or a log shipper pass lines on',
  },
  ERR_LOG_FACILITY: {
    cause: 'the facility of log_dest syslog is no name that syslog knows',
    remedy: 'use daemon, or local0 to local7',
  },
} as const satisfies Record<string, ErrorExplanation>

export type LogErrorCode = keyof typeof logErrors

/** Thrown when a log cannot be opened at start. */
export class LogError extends CodedError<LogErrorCode> {}
