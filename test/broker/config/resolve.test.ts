import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HonouredDirective } from '../../../broker/config/directive.ts'
import {
  classifyDirective,
  type DirectiveName,
  directives,
  handledDirectives,
} from '../../../broker/config/directives.ts'
import type { ConfigErrorCode } from '../../../broker/config/errors.ts'
import {
  type BridgeOptions,
  type BrokerOptions,
  defaultLogTypes,
  type ListenerOptions,
} from '../../../broker/options.ts'
import { assertRefused, interpretText, resolveText } from './support.ts'

interface DirectiveCase {
  /** Lines above the one under test; the file has as many before line numbers are compared. */
  readonly before?: string
  /** Value, and what it does to the options. */
  readonly accepted: readonly (readonly [string, Partial<BrokerOptions>])[]
  readonly refused: readonly (readonly [string, ConfigErrorCode])[]
}

const tcp = (port: number, host?: string) =>
  ({ protocol: 'mqtt', port, ...(host === undefined ? {} : { host }) }) as const
const log = (changes: Partial<NonNullable<BrokerOptions['log']>>) => ({
  log: { destinations: [{ kind: 'stderr' as const }], types: defaultLogTypes, timestamps: true, ...changes },
})
const on = (changes: Partial<ListenerOptions>) => ({ listeners: [{ ...tcp(1883), ...changes }] })
const secured = (changes: Partial<ListenerOptions['tls']>) => ({
  listeners: [{ ...withTls, tls: { ...withTls.tls, caFile: 'ca.pem', requireCertificate: true, ...changes } }],
})
const tlsLines = 'listener 8883\ncertfile cert.pem\nkeyfile key.pem\n'
const mutualLines = `${tlsLines}cafile ca.pem\nrequire_certificate true\n`
/** A connection that is complete but for the line under test. */
const bridgeLines = 'connection cloud\naddress broker.example.org\ntopic # out\n'
const withoutTopic = 'connection cloud\naddress broker.example.org\n'
const cloud = {
  name: 'cloud',
  addresses: [{ host: 'broker.example.org', port: 1883 }],
  topics: [{ filter: '#', direction: 'out', qos: 0, localPrefix: '', remotePrefix: '' }],
  cleanSession: false,
  localCleanSession: false,
  keepAliveSeconds: 60,
  restartTimeout: { baseSeconds: 5, capSeconds: 30 },
  notifications: true,
  notificationsLocalOnly: false,
  protocolVersion: 'mqttv311',
  attemptUnsubscribe: true,
  roundRobin: false,
  tryPrivate: true,
} as const satisfies BridgeOptions
const bridge = (changes: Partial<BridgeOptions>) => ({ bridges: [{ ...cloud, ...changes }] })
const secureBridge = (changes: Partial<NonNullable<BridgeOptions['tls']>>) =>
  bridge({ addresses: [{ host: 'broker.example.org', port: 8883 }], tls: { caFile: 'ca.pem', ...changes } })

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

const outTopic = { filter: '#', direction: 'out', qos: 0, localPrefix: '', remotePrefix: '' } as const
const limitRefusals = countRefusals.map(([value, code]) => [value === '-1' ? '-2' : value, code] as const)
const qosRefusals = [
  ['', 'ERR_CONFIG_VALUE_MISSING'],
  ['3', 'ERR_CONFIG_VALUE_INVALID'],
  ['-1', 'ERR_CONFIG_VALUE_INVALID'],
] as const
const addressCases = {
  accepted: [
    ['broker.example.org', bridge({})],
    ['b:8883', bridge({ addresses: [{ host: 'b', port: 8883 }] })],
    [
      'b 192.0.2.1:1884 [::1] [fe80::1%eth0]:1885',
      bridge({
        addresses: [
          { host: 'b', port: 1883 },
          { host: '192.0.2.1', port: 1884 },
          { host: '::1', port: 1883 },
          { host: 'fe80::1%eth0', port: 1885 },
        ],
      }),
    ],
  ],
  refused: [
    ['', 'ERR_CONFIG_VALUE_MISSING'],
    ['b:x', 'ERR_CONFIG_PORT_INVALID'],
    ['b:', 'ERR_CONFIG_PORT_INVALID'],
    ['::1', 'ERR_CONFIG_VALUE_INVALID'],
    [':1883', 'ERR_CONFIG_VALUE_INVALID'],
  ],
} as const

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
  queue_qos0_messages: { accepted: [['true', { queueQos0Messages: true }]], refused: booleanRefusals },
  connection_messages: { accepted: [['true', { connectionMessages: true }]], refused: booleanRefusals },
  allow_zero_length_clientid: { accepted: [['true', { allowZeroLengthClientId: true }]], refused: booleanRefusals },
  retain_available: { accepted: [['false', { retainAvailable: false }]], refused: booleanRefusals },
  set_tcp_nodelay: { accepted: [['false', { setTcpNodelay: false }]], refused: booleanRefusals },
  check_retain_source: { accepted: [['false', { checkRetainSource: false }]], refused: booleanRefusals },
  password_file: { accepted: [['some thing', { passwordFile: 'some thing' }]], refused: fileRefusals },
  acl_file: { accepted: [['some thing', { aclFile: 'some thing' }]], refused: fileRefusals },
  auto_id_prefix: { accepted: [['some thing', { autoIdPrefix: 'some thing' }]], refused: fileRefusals },
  pid_file: { accepted: [['some thing', { pidFile: 'some thing' }]], refused: fileRefusals },
  user: { accepted: [['some thing', { user: 'some thing' }]], refused: fileRefusals },
  clientid_prefixes: { accepted: [['plant-', { clientIdPrefixes: ['plant-'] }]], refused: fileRefusals },
  per_listener_settings: {
    accepted: [
      ['true', {}],
      ['false', {}],
    ],
    refused: booleanRefusals,
  },
  port: {
    accepted: [['1884', { listeners: [tcp(1884)], allowAnonymous: false }]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['0', 'ERR_CONFIG_PORT_INVALID'],
      ['65536', 'ERR_CONFIG_PORT_INVALID'],
      ['1884 127.0.0.1', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  bind_address: {
    accepted: [['127.0.0.1', { listeners: [tcp(1883, '127.0.0.1')], allowAnonymous: false }]],
    refused: fileRefusals,
  },
  include_dir: { accepted: [['/etc/mosquitto/conf.d', {}]], refused: fileRefusals },
  plugin: {
    accepted: [
      ['/usr/lib/mosquitto_password_file.so', {}],
      ['mosquitto_acl_file.so', {}],
      ['/usr/lib/mosquitto_persist_sqlite.so', {}],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['/usr/lib/mosquitto_dynamic_security.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['/mosquitto/go-auth.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['anything.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
    ],
  },
  global_plugin: {
    accepted: [['/usr/lib/mosquitto_password_file.so', {}]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['anything.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
    ],
  },
  plugin_opt_password_file: {
    before: 'plugin mosquitto_password_file.so\n',
    accepted: [['users', { passwordFile: 'users' }]],
    refused: fileRefusals,
  },
  plugin_opt_acl_file: {
    before: 'global_plugin mosquitto_acl_file.so\n',
    accepted: [['rules', { aclFile: 'rules' }]],
    refused: fileRefusals,
  },
  max_inflight_bytes: { accepted: [['100000', { maxInflightBytes: 100_000 }]], refused: countRefusals },
  message_size_limit: {
    accepted: [['268435455', { messageSizeLimit: 268_435_455 }]],
    refused: [...countRefusals, ['268435456', 'ERR_CONFIG_VALUE_INVALID']],
  },
  sys_interval: {
    accepted: [
      ['0', { sysIntervalSeconds: 0 }],
      ['65535', { sysIntervalSeconds: 65_535 }],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  persistent_client_expiration: {
    accepted: (
      [
        ...([
          ['14d', 1_209_600],
          ['2h', 7200],
          ['1w', 604_800],
          ['1m', 2_592_000],
        ] as const),
        ...([
          ['1y', 31_536_000],
          ['90s', 90],
        ] as const),
      ] as const
    ).map(([value, persistentClientExpirationSeconds]) => [value, { persistentClientExpirationSeconds }] as const),
    refused: [
      ...(['14', '14x', '0d', '1d5', '-1d', '14 d', '99999999999999999y'] as const).map(
        (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
      ),
      ['', 'ERR_CONFIG_VALUE_MISSING'],
    ],
  },
  global_max_clients: {
    accepted: [
      ['5', { globalMaxClients: 5 }],
      ['-1', { globalMaxClients: 0 }],
    ],
    refused: limitRefusals,
  },
  global_max_connections: {
    accepted: [
      ['5', { globalMaxConnections: 5 }],
      ['-1', { globalMaxConnections: 0 }],
    ],
    refused: limitRefusals,
  },
  capath: {
    before: tlsLines,
    accepted: [['cas', { listeners: [{ ...withTls, tls: { ...withTls.tls, caPath: 'cas' } }] }]],
    refused: fileRefusals,
  },
  crlfile: { before: mutualLines, accepted: [['crl.pem', secured({ crlFile: 'crl.pem' })]], refused: fileRefusals },
  ciphers: { before: mutualLines, accepted: [['A:B', secured({ ciphers: 'A:B' })]], refused: fileRefusals },
  'ciphers_tls1.3': {
    before: mutualLines,
    accepted: [['A:B', secured({ ciphersTls13: 'A:B' })]],
    refused: fileRefusals,
  },
  use_identity_as_username: {
    before: mutualLines,
    accepted: [
      ['true', secured({ useIdentityAsUsername: true })],
      ['false', secured({})],
    ],
    refused: booleanRefusals,
  },
  use_subject_as_username: {
    before: mutualLines,
    accepted: [
      ['true', secured({ useSubjectAsUsername: true })],
      ['false', secured({})],
    ],
    refused: booleanRefusals,
  },
  bind_interface: {
    before: 'listener 1883\n',
    accepted: [['eth0', on({ bindInterface: 'eth0' })]],
    refused: fileRefusals,
  },
  max_qos: { before: 'listener 1883\n', accepted: [['1', on({ maximumQos: 1 })]], refused: qosRefusals },
  maximum_qos: { before: 'listener 1883\n', accepted: [['0', on({ maximumQos: 0 })]], refused: qosRefusals },
  max_topic_alias: {
    before: 'listener 1883\n',
    accepted: [
      ['0', on({ maxTopicAlias: 0 })],
      ['65535', on({ maxTopicAlias: 65_535 })],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  use_username_as_clientid: {
    before: 'listener 1883\n',
    accepted: [['true', on({ useUsernameAsClientId: true })]],
    refused: booleanRefusals,
  },
  accept_protocol_versions: {
    before: 'listener 1883\n',
    accepted: [
      ['4,5', on({ acceptProtocolVersions: [4, 5] })],
      ['3, 4', on({ acceptProtocolVersions: [3, 4] })],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ...(['6', '4,', '3 4', 'mqttv5'] as const).map((value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const),
    ],
  },
  websockets_origin: {
    before: 'listener 1883\n',
    accepted: [['https://a.example.org', on({ allowedOrigins: ['https://a.example.org'] })]],
    refused: fileRefusals,
  },
  listener_allow_anonymous: {
    before: 'listener 1883\n',
    accepted: [['true', on({ security: { allowAnonymous: true } })]],
    refused: booleanRefusals,
  },
  listener_auto_id_prefix: {
    before: 'listener 1883\n',
    accepted: [['x-', on({ security: { autoIdPrefix: 'x-' } })]],
    refused: fileRefusals,
  },
  connection: {
    before: bridgeLines,
    accepted: [
      [
        'other\naddress b\ntopic # out',
        { bridges: [cloud, { ...cloud, name: 'other', addresses: [{ host: 'b', port: 1883 }] }] },
      ],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['cloud', 'ERR_CONFIG_VALUE_DUPLICATE'],
    ],
  },
  address: { before: 'connection cloud\ntopic # out\n', ...addressCases },
  addresses: { before: 'connection cloud\ntopic # out\n', ...addressCases },
  topic: {
    before: withoutTopic,
    accepted: [
      ['a/#', bridge({ topics: [{ ...outTopic, filter: 'a/#' }] })],
      [
        'a/# in 1 here/ there/',
        bridge({ topics: [{ filter: 'a/#', direction: 'in', qos: 1, localPrefix: 'here/', remotePrefix: 'there/' }] }),
      ],
      [
        '# both 2 "" there/',
        bridge({ topics: [{ filter: '#', direction: 'both', qos: 2, localPrefix: '', remotePrefix: 'there/' }] }),
      ],
      [
        '"" out 0 here there',
        bridge({ topics: [{ ...outTopic, filter: '', localPrefix: 'here', remotePrefix: 'there' }] }),
      ],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ...(
        ['# outt', '# out 3', 'a/#/b out', 'a out 0 l/+/ r', 'a out 0 l r/#', '"" out 1', 'a out 0 l r x'] as const
      ).map((value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const),
    ],
  },
  remote_clientid: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ remoteClientId: 'some thing' })]],
    refused: fileRefusals,
  },
  clientid: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ remoteClientId: 'some thing' })]],
    refused: fileRefusals,
  },
  remote_username: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ remoteUsername: 'some thing' })]],
    refused: fileRefusals,
  },
  username: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ remoteUsername: 'some thing' })]],
    refused: fileRefusals,
  },
  local_clientid: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ localClientId: 'some thing' })]],
    refused: fileRefusals,
  },
  local_username: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ localUsername: 'some thing' })]],
    refused: fileRefusals,
  },
  local_password: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ localPassword: 'some thing' })]],
    refused: fileRefusals,
  },
  notification_topic: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ notificationTopic: 'some thing' })]],
    refused: fileRefusals,
  },
  remote_password: {
    before: `${bridgeLines}username u\n`,
    accepted: [['some thing', bridge({ remoteUsername: 'u', remotePassword: 'some thing' })]],
    refused: fileRefusals,
  },
  password: {
    before: `${bridgeLines}username u\n`,
    accepted: [['some thing', bridge({ remoteUsername: 'u', remotePassword: 'some thing' })]],
    refused: fileRefusals,
  },
  local_cleansession: {
    before: bridgeLines,
    accepted: [['true', bridge({ localCleanSession: true })]],
    refused: booleanRefusals,
  },
  notifications: {
    before: bridgeLines,
    accepted: [['false', bridge({ notifications: false })]],
    refused: booleanRefusals,
  },
  notifications_local_only: {
    before: bridgeLines,
    accepted: [['true', bridge({ notificationsLocalOnly: true })]],
    refused: booleanRefusals,
  },
  bridge_attempt_unsubscribe: {
    before: bridgeLines,
    accepted: [['false', bridge({ attemptUnsubscribe: false })]],
    refused: booleanRefusals,
  },
  round_robin: { before: bridgeLines, accepted: [['true', bridge({ roundRobin: true })]], refused: booleanRefusals },
  try_private: { before: bridgeLines, accepted: [['false', bridge({ tryPrivate: false })]], refused: booleanRefusals },
  cleansession: {
    before: bridgeLines,
    accepted: [['true', bridge({ cleanSession: true, localCleanSession: true })]],
    refused: booleanRefusals,
  },
  keepalive_interval: {
    before: bridgeLines,
    accepted: [
      ['30', bridge({ keepAliveSeconds: 30 })],
      ['4', bridge({ keepAliveSeconds: 5 })],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  restart_timeout: {
    before: bridgeLines,
    accepted: [
      ['10', bridge({ restartTimeout: { baseSeconds: 10, capSeconds: 10 } })],
      ['10 60', bridge({ restartTimeout: { baseSeconds: 10, capSeconds: 60 } })],
      ['0', bridge({ restartTimeout: { baseSeconds: 1, capSeconds: 1 } })],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ...(['5 3', 'x', '5 x', '1 2 3', '-1'] as const).map((value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const),
    ],
  },
  start_type: {
    before: bridgeLines,
    accepted: [['automatic', bridge({})]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['lazy', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['once', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['manual', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  bridge_protocol_version: {
    before: bridgeLines,
    accepted: (['mqttv31', 'mqttv311', 'mqttv50'] as const).map(
      (protocolVersion) => [protocolVersion, bridge({ protocolVersion })] as const,
    ),
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['mqttv5', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  bridge_cafile: { before: bridgeLines, accepted: [['ca.pem', secureBridge({})]], refused: fileRefusals },
  bridge_insecure: {
    before: `${bridgeLines}bridge_cafile ca.pem\n`,
    accepted: [
      ['true', secureBridge({ isInsecure: true })],
      ['false', secureBridge({})],
    ],
    refused: booleanRefusals,
  },
  bridge_certfile: {
    before: `${bridgeLines}bridge_cafile ca.pem\nbridge_keyfile k\n`,
    accepted: [['c', secureBridge({ certFile: 'c', keyFile: 'k' })]],
    refused: fileRefusals,
  },
  bridge_keyfile: {
    before: `${bridgeLines}bridge_cafile ca.pem\nbridge_certfile c\n`,
    accepted: [['k', secureBridge({ certFile: 'c', keyFile: 'k' })]],
    refused: fileRefusals,
  },
  bridge_alpn: {
    before: `${bridgeLines}bridge_cafile ca.pem\n`,
    accepted: [['mqtt', secureBridge({ alpn: 'mqtt' })]],
    refused: fileRefusals,
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
    before: 'password_file users\n',
    accepted: [
      ['anonymous', { anonymousAdmin: true }],
      ['alice', { admins: ['alice'] }],
    ],
    refused: [['', 'ERR_CONFIG_VALUE_MISSING']],
  },
  notary_http: {
    accepted: [
      ['9100', { httpListeners: [{ port: 9100 }] }],
      ['9100 127.0.0.1', { httpListeners: [{ port: 9100, host: '127.0.0.1' }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['0', 'ERR_CONFIG_PORT_INVALID'],
      ['9100 a b', 'ERR_CONFIG_VALUE_INVALID'],
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
  // A directive that is switched off is refused, whatever its value.
  const isOff = classifyDirective(name).kind === 'refused'
  describe(name, () => {
    assert.ok(accepted.length > 0 && refused.length > 0, 'both kinds of values are tried')
    for (const [value, effect] of accepted) {
      test(`accepts ${JSON.stringify(value)}`, () => {
        if (isOff) {
          assertRefused(`${before}${name} ${value}`, 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED', line)
          return
        }
        const options = resolveText(`${before}${name} ${value}`)
        for (const [key, expected] of Object.entries(effect)) {
          assert.deepEqual(options[key as keyof BrokerOptions], expected, key)
        }
      })
    }
    for (const [value, code] of refused) {
      test(`refuses ${JSON.stringify(value.slice(0, 40))} with ${code}`, () => {
        assertRefused(`${before}${name} ${value}`, isOff ? 'ERR_CONFIG_DIRECTIVE_UNSUPPORTED' : code, line)
      })
    }
  })
}

describe('repetition', () => {
  for (const [name, directive] of Object.entries<HonouredDirective>(handledDirectives)) {
    const { before = '', accepted } = cases[name as DirectiveName]
    const place = before.split('\n').length + 1
    const line = `${name} ${accepted[0]?.[0]}\n`
    const twice = `${before}${line}${line}`
    if (classifyDirective(name).kind === 'refused' || name === 'connection') continue
    if (directive.repetition === 'once') {
      test(`${name} is refused the second time`, () => {
        const { reason } = assertRefused(twice, 'ERR_CONFIG_VALUE_DUPLICATE', place)
        assert.equal(reason, `Duplicate ${name} value in configuration.`)
      })
    } else {
      const isLast = directive.repetition === 'last'
      test(`${name} may stand twice${isLast ? ', which is said' : ''}`, () => {
        const { mistakes, warnings } = interpretText(twice)
        assert.deepEqual(mistakes, [])
        const again = warnings.filter(({ text }) => / stands here again/.test(text)).map((one) => one.line.lineNumber)
        assert.deepEqual(again, isLast ? [place] : [])
      })
    }
  }
})

for (const [name, { verdict, ...directive }] of Object.entries(directives)) {
  if (verdict === 'ignored' && 'value' in directive) {
    const value = { boolean: 'true', integer: '5', text: 'some thing' }[directive.value]
    test(`${name} has no effect, which is said, and a value that makes no sense is refused all the same`, () => {
      const { options, ignored } = interpretText(`# c\n${name} ${value}`)
      assert.deepEqual(options, interpretText('').options)
      assert.deepEqual(
        [...ignored].map(([line, reason]) => [line.lineNumber, reason]),
        [[2, directive.reason]],
      )
      assertRefused(`\n${name}`, 'ERR_CONFIG_VALUE_MISSING', 2)
      if (directive.value !== 'text') assertRefused(`\n${name} yes`, 'ERR_CONFIG_VALUE_INVALID', 2)
    })
  }
}
