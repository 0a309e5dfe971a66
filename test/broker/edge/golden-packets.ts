// Packets that a client may send, written by hand from the standard (the examples of its figures where it has some),
// with what they mean. 'text' stands for a string of MQTT, see bytes().
import type { ConnectPacket, MqttErrorCode, ProtocolVersion } from '../../../broker/edge/index.ts'
import type { ClientPacket } from './helpers.ts'

export interface GoldenPacket {
  readonly name: string
  readonly version: ProtocolVersion
  readonly hex: string
  readonly fields: ClientPacket
  /** Bodies cut off after so many bytes that are whole all the same, or not allowed; all others are malformed. */
  readonly cuts?: Readonly<Record<number, 'whole' | MqttErrorCode>>
}

const plainConnect: ConnectPacket = {
  protocolVersion: 4,
  isBridge: false,
  clientId: 'press-7',
  cleanStart: true,
  keepAliveSeconds: 60,
  username: undefined,
  password: undefined,
  will: undefined,
  sessionExpiryIntervalSeconds: 0,
  receiveMaximum: 65_535,
  maximumPacketSize: undefined,
  topicAliasMaximum: 0,
  requestResponseInformation: false,
  requestProblemInformation: true,
  authenticationMethod: undefined,
  authenticationData: undefined,
  userProperties: undefined,
}
const will = { topic: 'w', payload: Buffer.from('gone'), properties: undefined, delayIntervalSeconds: 0 } as const
const plainPublish = {
  qos: 0,
  retain: false,
  dup: false,
  topic: 'a/b',
  packetId: 0,
  payload: Buffer.from('hi'),
  properties: undefined,
  topicAlias: undefined,
} as const
const plainSubscription = {
  topicFilter: 'a/b',
  qos: 1,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
} as const

const connects: readonly GoldenPacket[] = [
  {
    name: 'a CONNECT of MQTT 3.1',
    version: 3,
    hex: "10 15 'MQIsdp' 03 02 00 3c 'press-7'",
    fields: { ...plainConnect, protocolVersion: 3 },
  },
  {
    name: 'a CONNECT of MQTT 3.1 whose flags promise credentials that are not there',
    version: 3,
    hex: "10 15 'MQIsdp' 03 c2 00 3c 'press-7'",
    fields: { ...plainConnect, protocolVersion: 3 },
  },
  {
    name: 'a CONNECT of MQTT 3.1 whose flags promise a password that is not there',
    cuts: { 21: 'whole' },
    version: 3,
    hex: "10 18 'MQIsdp' 03 c2 00 3c 'press-7' 'u'",
    fields: { ...plainConnect, protocolVersion: 3, username: 'u' },
  },
  {
    name: 'a CONNECT of MQTT 3.1 with bits that have no use there',
    version: 3,
    hex: "10 15 'MQIsdp' 03 3b 00 3c 'press-7'",
    fields: { ...plainConnect, protocolVersion: 3 },
  },
  {
    name: 'a CONNECT of MQTT 3.1.1',
    version: 4,
    hex: "10 13 'MQTT' 04 02 00 3c 'press-7'",
    fields: plainConnect,
  },
  {
    name: 'a CONNECT of MQTT 3.1.1 without client id',
    version: 4,
    hex: "10 0c 'MQTT' 04 02 00 3c ''",
    fields: { ...plainConnect, clientId: '' },
  },
  {
    name: 'a CONNECT of MQTT 3.1.1 with everything: session kept, will QoS 1 retained, credentials',
    version: 4,
    hex: "10 26 'MQTT' 04 ec 00 0a 'press-7' 'w' 'gone' 'user' 00 02 ff 00",
    fields: {
      ...plainConnect,
      cleanStart: false,
      keepAliveSeconds: 10,
      sessionExpiryIntervalSeconds: 0xffffffff,
      will: { ...will, qos: 1, retain: true },
      username: 'user',
      password: Buffer.from([0xff, 0x00]),
    },
  },
  {
    name: 'a CONNECT of MQTT 5 without properties, without client id',
    version: 5,
    hex: "10 0d 'MQTT' 05 00 00 3c 00 ''",
    fields: { ...plainConnect, protocolVersion: 5, clientId: '', cleanStart: false },
  },
  {
    name: 'a CONNECT of MQTT 5 with a password and no username',
    version: 5,
    hex: "10 11 'MQTT' 05 42 00 3c 00 'c' 'p'",
    fields: { ...plainConnect, protocolVersion: 5, clientId: 'c', password: Buffer.from('p') },
  },
  {
    name: 'a CONNECT of MQTT 5 with every property',
    version: 5,
    hex: `10 79 'MQTT' 05 d6 00 00
      31 11 00 00 00 0a  21 00 14  27 00 01 00 00  22 00 05  19 01  17 00
         26 'a' '1'  26 'a' '2'  15 'SCRAM'  16 'data'
      'press-7'
      22 18 00 00 00 05  01 01  02 00 00 00 3c  03 'text'  08 'r'  09 00 02 01 02  26 'k' ''
      'w' 'gone' 'user' ''`,
    fields: {
      protocolVersion: 5,
      isBridge: false,
      clientId: 'press-7',
      cleanStart: true,
      keepAliveSeconds: 0,
      username: 'user',
      password: Buffer.alloc(0),
      will: {
        ...will,
        qos: 2,
        retain: false,
        delayIntervalSeconds: 5,
        properties: {
          payloadFormatIndicator: 1,
          messageExpiryInterval: 60,
          contentType: 'text',
          responseTopic: 'r',
          correlationData: Buffer.from([1, 2]),
          userProperties: [['k', '']],
        },
      },
      sessionExpiryIntervalSeconds: 10,
      receiveMaximum: 20,
      maximumPacketSize: 65_536,
      topicAliasMaximum: 5,
      requestResponseInformation: true,
      requestProblemInformation: false,
      authenticationMethod: 'SCRAM',
      authenticationData: Buffer.from('data'),
      userProperties: [
        ['a', '1'],
        ['a', '2'],
      ],
    },
  },
]

const publishes: readonly GoldenPacket[] = [
  {
    name: 'a PUBLISH of QoS 0',
    cuts: { 5: 'whole', 6: 'whole' },
    version: 4,
    hex: "30 07 'a/b' 68 69",
    fields: plainPublish,
  },
  {
    name: 'a PUBLISH of QoS 1, retained and repeated, of MQTT 3.1',
    cuts: { 7: 'whole', 8: 'whole' },
    version: 3,
    hex: "3b 09 'a/b' 00 0a 68 69",
    fields: { ...plainPublish, qos: 1, retain: true, dup: true, packetId: 10 },
  },
  {
    name: 'a PUBLISH of QoS 2 without payload, topic not ASCII',
    version: 4,
    hex: "34 0a 'ä/€' ff ff",
    fields: { ...plainPublish, qos: 2, topic: 'ä/€', packetId: 65_535, payload: Buffer.alloc(0) },
  },
  {
    name: 'a PUBLISH of MQTT 5 without properties',
    cuts: { 6: 'whole', 7: 'whole' },
    version: 5,
    hex: "30 08 'a/b' 00 68 69",
    fields: plainPublish,
  },
  {
    name: 'a PUBLISH of MQTT 5 with an alias in place of the topic name',
    cuts: { 8: 'whole', 9: 'whole' },
    version: 5,
    hex: "32 0a '' 00 01 03 23 00 07 68 69",
    fields: { ...plainPublish, qos: 1, packetId: 1, topic: '', topicAlias: 7 },
  },
  {
    name: 'a PUBLISH of MQTT 5 with every property',
    cuts: { 54: 'whole', 55: 'whole' },
    version: 5,
    hex: `32 38 'a/b' 00 01
      2e 01 00  02 ff ff ff ff  03 'json'  08 'r/1'  09 00 01 00  23 00 02
         26 'b' '1'  26 'a' '2'  26 '' ''
      68 69`,
    fields: {
      ...plainPublish,
      qos: 1,
      packetId: 1,
      topicAlias: 2,
      properties: {
        payloadFormatIndicator: 0,
        messageExpiryInterval: 0xffffffff,
        contentType: 'json',
        responseTopic: 'r/1',
        correlationData: Buffer.from([0]),
        userProperties: [
          ['b', '1'],
          ['a', '2'],
          ['', ''],
        ],
      },
    },
  },
]

const acknowledgements: readonly GoldenPacket[] = [
  { name: 'a PUBACK', version: 4, hex: '40 02 12 34', fields: { packetId: 0x1234, reasonCode: 0 } },
  { name: 'a PUBREC', version: 3, hex: '50 02 00 01', fields: { packetId: 1, reasonCode: 0 } },
  { name: 'a PUBREL', version: 4, hex: '62 02 00 01', fields: { packetId: 1, reasonCode: 0 } },
  { name: 'a repeated PUBREL of MQTT 3.1', version: 3, hex: '6a 02 00 01', fields: { packetId: 1, reasonCode: 0 } },
  { name: 'a PUBCOMP', version: 4, hex: '70 02 00 01', fields: { packetId: 1, reasonCode: 0 } },
  { name: 'a short PUBACK of MQTT 5', version: 5, hex: '40 02 00 01', fields: { packetId: 1, reasonCode: 0 } },
  {
    name: 'a PUBREC of MQTT 5 with a code',
    cuts: { 2: 'whole' },
    version: 5,
    hex: '50 03 00 01 99',
    fields: { packetId: 1, reasonCode: 0x99 },
  },
  {
    name: 'a PUBREL of MQTT 5 with a code',
    cuts: { 2: 'whole' },
    version: 5,
    hex: '62 03 00 01 92',
    fields: { packetId: 1, reasonCode: 0x92 },
  },
  {
    name: 'a PUBCOMP of MQTT 5, no properties',
    cuts: { 2: 'whole', 3: 'whole' },
    version: 5,
    hex: '70 04 00 01 00 00',
    fields: { packetId: 1, reasonCode: 0 },
  },
  {
    name: 'a PUBACK of MQTT 5 with properties',
    cuts: { 2: 'whole', 3: 'whole' },
    version: 5,
    hex: "40 10 00 01 10 0c 1f 'no' 26 'a' 'b'",
    fields: { packetId: 1, reasonCode: 0x10 },
  },
]

const subscribes: readonly GoldenPacket[] = [
  {
    name: 'a SUBSCRIBE of two filters',
    cuts: { 2: 'ERR_MQTT_PROTOCOL_ERROR', 8: 'whole' },
    version: 4,
    hex: "82 0e 00 0a 'a/b' 01 'c/d' 02",
    fields: {
      packetId: 10,
      subscriptions: [plainSubscription, { ...plainSubscription, topicFilter: 'c/d', qos: 2 }],
      subscriptionIdentifier: undefined,
    },
  },
  {
    name: 'a repeated SUBSCRIBE of MQTT 3.1',
    cuts: { 2: 'ERR_MQTT_PROTOCOL_ERROR' },
    version: 3,
    hex: "8a 08 00 0a 'a/b' 01",
    fields: { packetId: 10, subscriptions: [plainSubscription], subscriptionIdentifier: undefined },
  },
  {
    name: 'a SUBSCRIBE of MQTT 5 with identifier and options',
    cuts: { 15: 'ERR_MQTT_PROTOCOL_ERROR', 21: 'whole', 27: 'whole' },
    version: 5,
    hex: "82 28 00 01 0c 0b ff ff ff 7f 26 'a' 'b' 'a/b' 01 '+/#' 2e '$share/g/#' 18",
    fields: {
      packetId: 1,
      subscriptions: [
        plainSubscription,
        { topicFilter: '+/#', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { topicFilter: '$share/g/#', qos: 0, noLocal: false, retainAsPublished: true, retainHandling: 1 },
      ],
      subscriptionIdentifier: 268_435_455,
    },
  },
  {
    name: 'an UNSUBSCRIBE of two filters',
    cuts: { 2: 'ERR_MQTT_PROTOCOL_ERROR', 5: 'whole' },
    version: 4,
    hex: "a2 08 00 0a 'a' '#'",
    fields: { packetId: 10, topicFilters: ['a', '#'] },
  },
  {
    name: 'a repeated UNSUBSCRIBE of MQTT 3.1',
    cuts: { 2: 'ERR_MQTT_PROTOCOL_ERROR' },
    version: 3,
    hex: "aa 05 00 0a 'a'",
    fields: { packetId: 10, topicFilters: ['a'] },
  },
  {
    name: 'an UNSUBSCRIBE of MQTT 5',
    cuts: { 10: 'ERR_MQTT_PROTOCOL_ERROR' },
    version: 5,
    hex: "a2 0d 00 0a 07 26 'a' 'b' 'a'",
    fields: { packetId: 10, topicFilters: ['a'] },
  },
]

const others: readonly GoldenPacket[] = [
  { name: 'a PINGREQ', version: 4, hex: 'c0 00', fields: undefined },
  {
    name: 'a DISCONNECT',
    version: 4,
    hex: 'e0 00',
    fields: { reasonCode: 0, sessionExpiryIntervalSeconds: undefined },
  },
  {
    name: 'a DISCONNECT of MQTT 5 without code',
    version: 5,
    hex: 'e0 00',
    fields: { reasonCode: 0, sessionExpiryIntervalSeconds: undefined },
  },
  {
    name: 'a DISCONNECT of MQTT 5 that asks for the will',
    cuts: { 0: 'whole' },
    version: 5,
    hex: 'e0 01 04',
    fields: { reasonCode: 4, sessionExpiryIntervalSeconds: undefined },
  },
  {
    name: 'a DISCONNECT of MQTT 5 with properties',
    cuts: { 0: 'whole', 1: 'whole' },
    version: 5,
    hex: "e0 13 00 11 11 00 00 00 1e 1f 'bye' 26 'a' ''",
    fields: { reasonCode: 0, sessionExpiryIntervalSeconds: 30 },
  },
]

export const goldenPackets: readonly GoldenPacket[] = [
  ...connects,
  ...publishes,
  ...acknowledgements,
  ...subscribes,
  ...others,
]
