import type { listenerDirectives } from '../../../../broker/config/directives/listener.ts'
import type { ListenerOptions } from '../../../../broker/options.ts'
import {
  booleanRefusals,
  countRefusals,
  type DirectiveCases,
  fileRefusals,
  on,
  qosRefusals,
  tcp,
} from './directive-case.ts'

const withTls = { ...tcp(8883), tls: { certFile: 'cert.pem', keyFile: 'key.pem' } }
const secured = (changes: Partial<ListenerOptions['tls']>) => ({
  listeners: [{ ...withTls, tls: { ...withTls.tls, caFile: 'ca.pem', requireCertificate: true, ...changes } }],
})
const tlsLines = 'listener 8883\ncertfile cert.pem\nkeyfile key.pem\n'
const mutualLines = `${tlsLines}cafile ca.pem\nrequire_certificate true\n`

/** Values of the directives of listeners. */
export const listenerCases: DirectiveCases<typeof listenerDirectives> = {
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
      ['notary-link', { listeners: [tcp(1883), { protocol: 'notary-link', port: 9001, host: '::1' }] }],
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
  capath: {
    before: tlsLines,
    accepted: [['cas', { listeners: [{ ...withTls, tls: { ...withTls.tls, caPath: 'cas' } }] }]],
    refused: fileRefusals,
  },
  crlfile: { before: mutualLines, accepted: [['crl.pem', secured({ crlFile: 'crl.pem' })]], refused: fileRefusals },
  require_certificate: {
    before: 'listener 8883\ncertfile cert.pem\nkeyfile key.pem\ncafile ca.pem\n',
    accepted: [
      ['true', { listeners: [{ ...withTls, tls: { ...withTls.tls, caFile: 'ca.pem', requireCertificate: true } }] }],
      ['false', { listeners: [{ ...withTls, tls: { ...withTls.tls, caFile: 'ca.pem' } }] }],
    ],
    refused: booleanRefusals,
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
  ciphers: { before: mutualLines, accepted: [['A:B', secured({ ciphers: 'A:B' })]], refused: fileRefusals },
  'ciphers_tls1.3': {
    before: mutualLines,
    accepted: [['A:B', secured({ ciphersTls13: 'A:B' })]],
    refused: fileRefusals,
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
}
