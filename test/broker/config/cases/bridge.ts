import type { bridgeDirectives } from '../../../../broker/config/directives/bridge.ts'
import type { BridgeOptions } from '../../../../broker/options.ts'
import { booleanRefusals, countRefusals, type DirectiveCases, fileRefusals } from './directive-case.ts'

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
const outTopic = { filter: '#', direction: 'out', qos: 0, localPrefix: '', remotePrefix: '' } as const
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

/** Values of the directives of bridges. */
export const bridgeCases: DirectiveCases<typeof bridgeDirectives> = {
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
  cleansession: {
    before: bridgeLines,
    accepted: [['true', bridge({ cleanSession: true, localCleanSession: true })]],
    refused: booleanRefusals,
  },
  local_cleansession: {
    before: bridgeLines,
    accepted: [['true', bridge({ localCleanSession: true })]],
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
  notification_topic: {
    before: bridgeLines,
    accepted: [['some thing', bridge({ notificationTopic: 'some thing' })]],
    refused: fileRefusals,
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
  bridge_attempt_unsubscribe: {
    before: bridgeLines,
    accepted: [['false', bridge({ attemptUnsubscribe: false })]],
    refused: booleanRefusals,
  },
  round_robin: { before: bridgeLines, accepted: [['true', bridge({ roundRobin: true })]], refused: booleanRefusals },
  try_private: { before: bridgeLines, accepted: [['false', bridge({ tryPrivate: false })]], refused: booleanRefusals },
  bridge_insecure: {
    before: `${bridgeLines}bridge_cafile ca.pem\n`,
    accepted: [
      ['true', secureBridge({ isInsecure: true })],
      ['false', secureBridge({})],
    ],
    refused: booleanRefusals,
  },
  bridge_cafile: { before: bridgeLines, accepted: [['ca.pem', secureBridge({})]], refused: fileRefusals },
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
}
