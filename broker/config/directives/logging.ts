import type { HonouredDirective } from '../directive.ts'

/** Where log lines go, and which. */
export const logDirectives = {
  log_dest: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'accumulates',
    syntax: 'stderr | stdout | file FILE | syslog | topic | none',
    default: 'stderr',
    summary: 'where log lines go; `dlt` and `android` have no effect',
  },
  log_type: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'accumulates',
    syntax: 'TYPE',
    default: 'error warning notice information',
    summary: 'which: debug error warning notice information subscribe unsubscribe websockets internal none all',
  },
  log_timestamp: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    syntax: 'true | false',
    default: 'true',
    summary: 'begins lines with the time',
  },
  log_timestamp_format: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'once',
    syntax: 'FORMAT',
    default: 'seconds since 1970',
    summary: 'how the time is written, as strftime reads it',
  },
  log_facility: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    syntax: '0 ... 7',
    default: 'daemon',
    summary: 'facility local0 to local7 of `log_dest syslog`',
  },
  connection_messages: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    syntax: 'true | false',
    default: 'true',
    summary: 'logs that clients come and go',
  },
} as const satisfies Readonly<Record<string, HonouredDirective>>
