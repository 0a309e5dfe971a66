import type { logDirectives } from '../../../../broker/config/directives/logging.ts'
import { type BrokerOptions, defaultLogTypes } from '../../../../broker/options.ts'
import { booleanRefusals, type DirectiveCases, fileRefusals } from './directive-case.ts'

const log = (changes: Partial<NonNullable<BrokerOptions['log']>>) => ({
  log: { destinations: [{ kind: 'stderr' as const }], types: defaultLogTypes, timestamps: true, ...changes },
})

/** Values of the directives of the log. */
export const logCases: DirectiveCases<typeof logDirectives> = {
  log_dest: {
    accepted: [
      ['stderr', log({})],
      ['stdout', log({ destinations: [{ kind: 'stdout' }] })],
      ['none', log({ destinations: [{ kind: 'none' }] })],
      ['topic', log({ destinations: [{ kind: 'topic' }] })],
      ['file /var/log/a b.log', log({ destinations: [{ kind: 'file', path: '/var/log/a b.log' }] })],
      ['syslog', log({ destinations: [{ kind: 'syslog', facility: 'daemon' }] })],
      ['dlt', {}],
      ['android', {}],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['file', 'ERR_CONFIG_VALUE_MISSING'],
      ['STDERR', 'ERR_CONFIG_VALUE_INVALID'],
      ['stderr stdout', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  log_type: {
    accepted: (
      [
        ...(['debug', 'error', 'warning', 'notice', 'information', 'subscribe'] as const),
        ...(['unsubscribe', 'websockets', 'internal', 'none', 'all'] as const),
      ] as const
    ).map((type) => [type, log({ types: [type] })] as const),
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['info', 'ERR_CONFIG_VALUE_INVALID'],
      ['error warning', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  log_timestamp: { accepted: [['false', log({ timestamps: false })]], refused: booleanRefusals },
  log_timestamp_format: {
    accepted: [['%Y-%m-%d %H:%M:%S', log({ timestampFormat: '%Y-%m-%d %H:%M:%S' })]],
    refused: fileRefusals,
  },
  log_facility: {
    before: 'log_dest syslog\n',
    accepted: [['3', log({ destinations: [{ kind: 'syslog', facility: 'local3' }] })]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['8', 'ERR_CONFIG_VALUE_INVALID'],
      ['-1', 'ERR_CONFIG_VALUE_INVALID'],
      ['daemon', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  connection_messages: { accepted: [['true', { connectionMessages: true }]], refused: booleanRefusals },
}
