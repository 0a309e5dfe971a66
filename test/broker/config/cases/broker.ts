import type { brokerDirectives } from '../../../../broker/config/directives/broker.ts'
import {
  booleanRefusals,
  countRefusals,
  type DirectiveCases,
  fileRefusals,
  limitRefusals,
  tcp,
} from './directive-case.ts'

/** Values of the directives of the whole broker. */
export const brokerCases: DirectiveCases<typeof brokerDirectives> = {
  include_dir: { accepted: [['/etc/mosquitto/conf.d', {}]], refused: fileRefusals },
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
  max_queued_bytes: {
    accepted: [
      ['0', { maxQueuedBytes: 0 }],
      ['1048576', { maxQueuedBytes: 1_048_576 }],
    ],
    refused: [...countRefusals, ['9007199254740992', 'ERR_CONFIG_VALUE_INVALID']],
  },
  max_inflight_messages: {
    accepted: [
      ['0', { maxInflightMessages: 0 }],
      ['1', { maxInflightMessages: 1 }],
      ['65535', { maxInflightMessages: 65_535 }],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  max_inflight_bytes: { accepted: [['100000', { maxInflightBytes: 100_000 }]], refused: countRefusals },
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
  message_size_limit: {
    accepted: [['268435455', { messageSizeLimit: 268_435_455 }]],
    refused: [...countRefusals, ['268435456', 'ERR_CONFIG_VALUE_INVALID']],
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
  queue_qos0_messages: { accepted: [['true', { queueQos0Messages: true }]], refused: booleanRefusals },
  retain_available: { accepted: [['false', { retainAvailable: false }]], refused: booleanRefusals },
  set_tcp_nodelay: { accepted: [['false', { setTcpNodelay: false }]], refused: booleanRefusals },
  sys_interval: {
    accepted: [
      ['0', { sysIntervalSeconds: 0 }],
      ['65535', { sysIntervalSeconds: 65_535 }],
    ],
    refused: [...countRefusals, ['65536', 'ERR_CONFIG_VALUE_INVALID']],
  },
  clientid_prefixes: { accepted: [['plant-', { clientIdPrefixes: ['plant-'] }]], refused: fileRefusals },
  check_retain_source: { accepted: [['false', { checkRetainSource: false }]], refused: booleanRefusals },
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
  pid_file: { accepted: [['some thing', { pidFile: 'some thing' }]], refused: fileRefusals },
  user: { accepted: [['some thing', { user: 'some thing' }]], refused: fileRefusals },
}
