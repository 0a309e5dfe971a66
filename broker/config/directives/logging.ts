import type { HonouredDirective } from '../directive.ts'

/** Where log lines go, and which. */
export const logDirectives = {
  log_dest: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'accumulates',
    reload: 'at-once',
    syntax: 'stderr | stdout | file FILE | syslog | topic | none',
    default: 'stderr',
    summary: 'where log lines go; `dlt` and `android` have no effect',
  },
  log_type: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'accumulates',
    reload: 'at-once',
    syntax: 'TYPE',
    default: 'error warning notice information',
    summary:
      'which: debug error warning notice information subscribe unsubscribe none all; `websockets`, which selects lines of a library in Mosquitto, and `internal` select nothing',
  },
  log_timestamp: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    reload: 'at-once',
    syntax: 'true | false',
    default: 'true',
    summary: 'begins lines with the time',
  },
  log_timestamp_format: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'once',
    reload: 'at-once',
    syntax: 'FORMAT',
    default: 'seconds since 1970',
    summary: 'how the time is written, as strftime reads it',
  },
  log_facility: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    reload: 'at-once',
    syntax: '0 ... 7',
    default: 'daemon',
    summary: 'facility local0 to local7 of `log_dest syslog`',
  },
  connection_messages: {
    verdict: 'honoured',
    scope: 'broker',
    repetition: 'last',
    reload: 'at-once',
    syntax: 'true | false',
    default: 'true',
    summary: 'logs that clients come and go',
  },
} as const satisfies Readonly<Record<string, HonouredDirective>>
