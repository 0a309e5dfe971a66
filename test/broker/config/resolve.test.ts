import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type DirectiveName, honouredDirectives } from '../../../broker/config/directives.ts'
import type { ConfigErrorCode } from '../../../broker/config/errors.ts'
import { type BrokerOptions, defaultLogTypes, type LogType } from '../../../broker/options.ts'
import { assertRefused, resolveText } from './support.ts'

interface DirectiveCase {
  /** Lines above the one under test; the file has as many before line numbers are compared. */
  readonly before?: string
  /** Value, and what it does to the options. */
  readonly accepted: readonly (readonly [string, Partial<BrokerOptions>])[]
  readonly refused: readonly (readonly [string, ConfigErrorCode])[]
}

const tcp = (port: number, host?: string) =>
  ({ protocol: 'mqtt', port, ...(host === undefined ? {} : { host }) }) as const
const log = (types: readonly LogType[], destination: 'stderr' | 'stdout' = 'stderr') => ({
  log: { destination, types },
})

const booleanRefusals = [
  ...(['yes', 'no', 'on', 'TRUE', 'True', '2', '-1', 'true false'] as const).map(
    (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
  ),
  ['', 'ERR_CONFIG_VALUE_MISSING'] as const,
]
const countRefusals = [
  ...(['-1', '+1', 'x', '10x', '1.5', '1e3', '0x10', '1 2'] as const).map(
    (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
  ),
  ['', 'ERR_CONFIG_VALUE_MISSING'] as const,
]

const fileRefusals = [
  ['', 'ERR_CONFIG_VALUE_MISSING'],
  ['a\tb', 'ERR_CONFIG_TEXT_MALFORMED'],
] as const
const withTls = { ...tcp(8883), tls: { certFile: 'cert.pem', keyFile: 'key.pem' } }

const cases: Readonly<Record<DirectiveName, DirectiveCase>> = {
  listener: {
    accepted: [
      ['1883', { listeners: [tcp(1883)], allowAnonymous: false }],
      ['1883 127.0.0.1', { listeners: [tcp(1883, '127.0.0.1')], allowAnonymous: false }],
      ['1883   ::1', { listeners: [tcp(1883, '::1')] }],
      ['1883\t127.0.0.1', { listeners: [tcp(1883, '127.0.0.1')] }],
      ['1883 mqtt.example.org', { listeners: [tcp(1883, 'mqtt.example.org')] }],
      ['01883', { listeners: [tcp(1883)] }],
      ['1', { listeners: [tcp(1)] }],
      ['65535', { listeners: [tcp(65535)] }],
      // Mosquitto opens every address here too (run).
      ['1883 # office', { listeners: [tcp(1883)] }],
      ['1883 #127.0.0.1', { listeners: [tcp(1883)] }],
      ['1883 127.0.0.1 # office', { listeners: [tcp(1883, '127.0.0.1')] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['0', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['0 /run/mqtt.sock', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['-1', 'ERR_CONFIG_PORT_INVALID'],
      ['65536', 'ERR_CONFIG_PORT_INVALID'],
      ['x', 'ERR_CONFIG_PORT_INVALID'],
      ['1883x', 'ERR_CONFIG_PORT_INVALID'],
      ['+1883', 'ERR_CONFIG_PORT_INVALID'],
      ['1883 127.0.0.1 192.0.2.1', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  protocol: {
    before: 'listener 1883\nlistener 9001 ::1\n',
    accepted: [
      ['mqtt', { listeners: [tcp(1883), tcp(9001, '::1')] }],
      ['websockets', { listeners: [tcp(1883), { protocol: 'websockets', port: 9001, host: '::1' }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['websocket', 'ERR_CONFIG_VALUE_INVALID'],
      ['MQTT', 'ERR_CONFIG_VALUE_INVALID'],
      ['mqtt websockets', 'ERR_CONFIG_VALUE_INVALID'],
      ['http_api', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
    ],
  },
  certfile: {
    before: 'listener 8883\nkeyfile /etc/key.pem\n',
    accepted: [
      ['/etc/cert.pem', { listeners: [{ ...tcp(8883), tls: { certFile: '/etc/cert.pem', keyFile: '/etc/key.pem' } }] }],
      ['/a b.pem', { listeners: [{ ...tcp(8883), tls: { certFile: '/a b.pem', keyFile: '/etc/key.pem' } }] }],
    ],
    refused: fileRefusals,
  },
  keyfile: {
    before: 'listener 8883\ncertfile cert.pem\n',
    accepted: [['key.pem', { listeners: [withTls] }]],
    refused: fileRefusals,
  },
  cafile: {
    before: 'listener 8883\ncertfile cert.pem\nkeyfile key.pem\n',
    accepted: [['ca.pem', { listeners: [{ ...withTls, tls: { ...withTls.tls, caFile: 'ca.pem' } }] }]],
    refused: fileRefusals,
  },
  require_certificate: {
    before: 'listener 8883\ncertfile cert.pem\nkeyfile key.pem\ncafile ca.pem\n',
    accepted: [
      ['true', { listeners: [{ ...withTls, tls: { ...withTls.tls, caFile: 'ca.pem', requireCertificate: true } }] }],
      ['false', { listeners: [{ ...withTls, tls: { ...withTls.tls, caFile: 'ca.pem' } }] }],
    ],
    refused: booleanRefusals,
  },
  tls_version: {
    before: 'listener 8883\ncertfile cert.pem\nkeyfile key.pem\n',
    accepted: [
      ['tlsv1.2', { listeners: [{ ...withTls, tls: { ...withTls.tls, minVersion: 'TLSv1.2' } }] }],
      ['tlsv1.3', { listeners: [{ ...withTls, tls: { ...withTls.tls, minVersion: 'TLSv1.3' } }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['tlsv1.1', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['tlsv1', 'ERR_CONFIG_VALUE_INVALID'],
      ['TLSv1.2', 'ERR_CONFIG_VALUE_INVALID'],
      ['1.3', 'ERR_CONFIG_VALUE_INVALID'],
      ['constructor', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  max_connections: {
    before: 'listener 1883\n',
    accepted: [
      ['500', { listeners: [{ ...tcp(1883), maxConnections: 500 }] }],
      ['-1', { listeners: [{ ...tcp(1883), maxConnections: 0 }] }],
      ['0', { listeners: [{ ...tcp(1883), maxConnections: 0 }] }],
    ],
    refused: [
      ...countRefusals.map(([value, code]) => [value === '-1' ? '-2' : value, code] as const),
      ['2147483648', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  socket_domain: {
    before: 'listener 1883\n',
    accepted: [
      ['ipv4', { listeners: [{ ...tcp(1883), addressFamily: 'ipv4' }] }],
      ['ipv6', { listeners: [{ ...tcp(1883), addressFamily: 'ipv6' }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['ipv5', 'ERR_CONFIG_VALUE_INVALID'],
      ['IPv4', 'ERR_CONFIG_VALUE_INVALID'],
      ['ipv4 ipv6', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_connect_rate: {
    before: 'listener 1883\n',
    accepted: [
      ['100', { listeners: [{ ...tcp(1883), connectRate: { perSecond: 100 } }] }],
      ['100 5000 # after a power cut', { listeners: [{ ...tcp(1883), connectRate: { perSecond: 100, burst: 5000 } }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ...(['0', '-1', '1.5', 'x', '10 0', '10 x', '10 20 30', '2147483648', '1 2147483648'] as const).map(
        (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
      ),
    ],
  },
  max_queued_bytes: {
    accepted: [
      ['0', { maxQueuedBytes: 0 }],
      ['1048576', { maxQueuedBytes: 1_048_576 }],
    ],
    refused: [...countRefusals, ['9007199254740992', 'ERR_CONFIG_VALUE_INVALID']],
  },
  max_packet_size: {
    accepted: [
      ['20', { maxPacketSize: 20 }],
      ['268435460', { maxPacketSize: 268_435_460 }],
    ],
    refused: [
      ...countRefusals,
      ...(['0', '19', '268435461'] as const).map((value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const),
    ],
  },
  max_keepalive: {
    accepted: [
      ['0', { maxKeepaliveSeconds: 0 }],
      ['10', { maxKeepaliveSeconds: 10 }],
      ['65535', { maxKeepaliveSeconds: 65_535 }],
    ],
    refused: [
      ...countRefusals,
      ...(['1', '9', '65536'] as const).map((value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const),
    ],
  },
  max_topic_alias: {
    accepted: [
      ['0', { maxTopicAlias: 0 }],
      ['65535', { maxTopicAlias: 65_535 }],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  max_topic_alias_broker: {
    accepted: [
      ['0', { maxTopicAliasBroker: 0 }],
      ['100', { maxTopicAliasBroker: 100 }],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  notary_min_free: {
    accepted: [
      ['0', { minFreeBytes: 0 }],
      ['4096', { minFreeBytes: 4096 }],
      ['4k', { minFreeBytes: 4096 }],
      ['64M', { minFreeBytes: 64 * 1024 * 1024 }],
      ['1G # of 20', { minFreeBytes: 1024 ** 3 }],
    ],
    refused: [
      ...countRefusals,
      ...(['4K', '4 k', '4kb', 'M', '9007199254740992'] as const).map(
        (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
      ),
    ],
  },
  notary_response_information: {
    accepted: [['replies/', { responseInformation: 'replies/' }]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['a\tb', 'ERR_CONFIG_TEXT_MALFORMED'],
    ],
  },
  notary_connect_timeout: {
    accepted: [
      ['1', { connectTimeoutSeconds: 1 }],
      ['86400', { connectTimeoutSeconds: 86_400 }],
    ],
    refused: [...countRefusals, ['0', 'ERR_CONFIG_VALUE_INVALID'], ['86401', 'ERR_CONFIG_VALUE_INVALID']],
  },
  notary_max_connections_per_address: {
    accepted: [
      ['0', { maxConnectionsPerAddress: 0 }],
      ['20', { maxConnectionsPerAddress: 20 }],
    ],
    refused: [...countRefusals, ['2147483648', 'ERR_CONFIG_VALUE_INVALID']],
  },
  allow_anonymous: {
    before: 'listener 1883\n',
    accepted: [
      ['true', { allowAnonymous: true }],
      ['1', { allowAnonymous: true }],
      ['true # for now', { allowAnonymous: true }],
      ['false', { allowAnonymous: false }],
      ['0', { allowAnonymous: false }],
    ],
    refused: booleanRefusals,
  },
  persistence: {
    accepted: [
      ['true', { persistence: true }],
      ['1', { persistence: true }],
      ['false', { persistence: false }],
      ['0', { persistence: false }],
    ],
    refused: booleanRefusals,
  },
  persistence_location: {
    accepted: [
      ['/mosquitto/data/', { location: '/mosquitto/data/' }],
      ['data', { location: 'data' }],
      ['/a b # c', { location: '/a b # c' }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['a\tb', 'ERR_CONFIG_TEXT_MALFORMED'],
    ],
  },
  max_queued_messages: {
    accepted: [
      ['0', { maxQueuedMessages: 0 }],
      ['8192', { maxQueuedMessages: 8192 }],
      ['2147483647', { maxQueuedMessages: 2_147_483_647 }],
    ],
    refused: [...countRefusals, ['2147483648', 'ERR_CONFIG_VALUE_INVALID']],
  },
  max_inflight_messages: {
    accepted: [
      ['0', { maxInflightMessages: 0 }],
      ['1', { maxInflightMessages: 1 }],
      ['65535', { maxInflightMessages: 65_535 }],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  log_dest: {
    accepted: [
      ['stderr', log(defaultLogTypes)],
      ['stdout', log(defaultLogTypes, 'stdout')],
      ['stdout # journal', log(defaultLogTypes, 'stdout')],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ...(['none', 'syslog', 'topic', 'file /var/log/m.log', 'file', 'dlt', 'android'] as const).map(
        (value) => [value, 'ERR_CONFIG_VALUE_UNSUPPORTED'] as const,
      ),
      ['STDERR', 'ERR_CONFIG_VALUE_INVALID'],
      ['stderr stdout', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  log_type: {
    accepted: (
      [
        'debug',
        'error',
        'warning',
        'notice',
        'information',
        'subscribe',
        'unsubscribe',
        'websockets',
        'none',
        'all',
      ] as const
    ).map((type) => [type, log([type])] as const),
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['info', 'ERR_CONFIG_VALUE_INVALID'],
      ['error warning', 'ERR_CONFIG_VALUE_INVALID'],
      ['internal', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
    ],
  },
  notary_protect: {
    accepted: [
      ['plant/+/cmd/# signed', { protect: [{ filter: 'plant/+/cmd/#', signed: true }] }],
      ['# signed', { protect: [{ filter: '#', signed: true }] }],
      ['$SYS/# \t signed # why', { protect: [{ filter: '$SYS/#', signed: true }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/b', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/b #signed', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/#/b signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b# signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a+/b signed', 'ERR_CONFIG_VALUE_INVALID'],
      [`${'a'.repeat(65_536)} signed`, 'ERR_CONFIG_VALUE_INVALID'],
      ['$share/g/a signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b SIGNED', 'ERR_CONFIG_VALUE_INVALID'],
      ['a b/# signed', 'ERR_CONFIG_VALUE_INVALID'],
      ...(['mac', 'encrypted', 'tls', 'fresh 60', 'keys plc-*', 'none', 'signed mac'] as const).map(
        (words) => [`a/b ${words}`, 'ERR_CONFIG_VALUE_UNSUPPORTED'] as const,
      ),
    ],
  },
  notary_keys: {
    accepted: [['/etc/notarymq/public keys', { keysDirectory: '/etc/notarymq/public keys' }]],
    refused: [['', 'ERR_CONFIG_VALUE_MISSING']],
  },
  notary_admin: {
    accepted: [['anonymous', { anonymousAdmin: true }]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['alice', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['Anonymous', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
    ],
  },
  notary_origin: {
    accepted: [['plant7.example.org/log', { origin: 'plant7.example.org/log' }]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['plant 7', 'ERR_CONFIG_VALUE_INVALID'],
      ['plant+7', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
}

for (const [name, { before = '', accepted, refused }] of Object.entries(cases)) {
  const line = before.split('\n').length
  describe(name, () => {
    for (const [value, effect] of accepted) {
      test(`accepts ${JSON.stringify(value)}`, () => {
        const options = resolveText(`${before}${name} ${value}`)
        for (const [key, expected] of Object.entries(effect)) {
          assert.deepEqual(options[key as keyof BrokerOptions], expected, key)
        }
      })
    }
    for (const [value, code] of refused) {
      test(`refuses ${JSON.stringify(value.slice(0, 40))} with ${code}`, () => {
        assertRefused(`${before}${name} ${value}`, code, line)
      })
    }
  })
}

describe('repetition', () => {
  for (const [name, { repetition }] of Object.entries(honouredDirectives)) {
    const { before = '', accepted } = cases[name as DirectiveName]
    const line = `${name} ${accepted[0]?.[0]}\n`
    const twice = `${before}${line}${line}`
    if (repetition === 'accumulates') {
      test(`${name} may stand twice`, () => assert.ok(resolveText(twice)))
    } else {
      test(`${name} is refused the second time, ${repetition}`, () => {
        const { reason } = assertRefused(twice, 'ERR_CONFIG_VALUE_DUPLICATE', before.split('\n').length + 1)
        assert.equal(reason, `Duplicate ${name} value in configuration.`)
      })
    }
  }
})
