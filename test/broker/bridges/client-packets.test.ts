import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  encodeBridgeConnect,
  encodeSubscribe,
  encodeUnsubscribe,
  parseConnack,
  parseSubscribeAnswer,
} from '../../../broker/bridges/client-packets.ts'
import {
  encodeConnack,
  encodeSuback,
  encodeUnsuback,
  type Frame,
  Framer,
  MqttError,
  parseConnect,
  parseSubscribe,
  parseUnsubscribe,
} from '../../../broker/edge/index.ts'

function frameOf(packet: Buffer): Frame {
  const framer = new Framer(0)
  framer.push(packet)
  const frame = framer.next()
  if (frame === undefined) throw new Error('no whole packet')
  return frame
}

const connect = {
  isPrivate: false,
  clientId: 'site',
  cleanStart: false,
  keepAliveSeconds: 60,
  username: 'bridge',
  password: 'secret',
  will: { topic: 'state', payload: '0', qos: 1 },
  receiveMaximum: 65_535,
} as const

test('a CONNECT says in every version who it is, its will and that its session stays', () => {
  for (const version of [3, 4, 5] as const) {
    const { flags, body } = frameOf(encodeBridgeConnect({ ...connect, version, receiveMaximum: 7 }))
    const packet = parseConnect(flags, body)
    assert.equal(packet.protocolVersion, version)
    assert.equal(packet.clientId, 'site')
    assert.equal(packet.cleanStart, false)
    assert.equal(packet.sessionExpiryIntervalSeconds, 0xffff_ffff)
    assert.equal(packet.keepAliveSeconds, 60)
    assert.equal(packet.username, 'bridge')
    assert.equal(String(packet.password), 'secret')
    assert.equal(packet.receiveMaximum, version === 5 ? 7 : 65_535)
    const { topic, payload, qos, retain } = packet.will ?? assert.fail('no will')
    assert.deepEqual([topic, `${payload}`, qos, retain], ['state', '0', 1, true])
  }
})

test('before MQTT 5 a bridge says that it is one with the highest bit of the protocol version', () => {
  const versionByte = (version: 3 | 4 | 5) =>
    encodeBridgeConnect({ ...connect, version, isPrivate: true }).subarray(2)[version === 3 ? 8 : 6]
  assert.deepEqual([versionByte(3), versionByte(4), versionByte(5)], [0x83, 0x84, 5])
})

test('a CONNACK is read with all that a server of MQTT 5 may say in it', () => {
  const connack = parseConnack(
    frameOf(
      encodeConnack(5, {
        sessionPresent: true,
        code: 0,
        serverKeepAliveSeconds: 30,
        topicAliasMaximum: 10,
        retainAvailable: false,
        maximumPacketSize: 1000,
        receiveMaximum: 5,
        maximumQos: 1,
        sessionExpiryIntervalSeconds: 60,
        responseInformation: 'fine',
      }),
    ),
    5,
  )
  assert.deepEqual(connack, {
    code: 0,
    sessionPresent: true,
    receiveMaximum: 5,
    maximumQos: 1,
    retainAvailable: false,
    maximumPacketSize: 1000,
    keepAliveSeconds: 30,
  })
  assert.equal(parseConnack(frameOf(encodeConnack(4, { sessionPresent: true, code: 0 })), 4).sessionPresent, true)
  assert.equal(parseConnack(frameOf(encodeConnack(4, { sessionPresent: false, code: 5 })), 4).code, 5)
})

test('a CONNACK that is cut off, or another packet in its place, is an error', () => {
  const codeOf = (frame: Frame) => {
    try {
      parseConnack(frame, 5)
    } catch (error) {
      if (error instanceof MqttError) return error.code
      throw error
    }
    return undefined
  }
  assert.equal(codeOf(frameOf(Buffer.from([0x20, 1, 0]))), 'ERR_MQTT_MALFORMED_PACKET')
  assert.equal(codeOf(frameOf(Buffer.from([0x20, 4, 0, 0, 9, 0x21]))), 'ERR_MQTT_MALFORMED_PACKET')
  assert.equal(codeOf(frameOf(Buffer.from([0x40, 2, 0, 1]))), 'ERR_MQTT_PROTOCOL_ERROR')
})

test('SUBSCRIBE and UNSUBSCRIBE are what a broker reads, and their answers are read with their codes', () => {
  const subscription = {
    topicFilter: 'a/#',
    qos: 1,
    noLocal: true,
    retainAsPublished: true,
    retainHandling: 1,
  } as const
  for (const version of [3, 4, 5] as const) {
    const subscribe = frameOf(encodeSubscribe(9, [subscription], version))
    const { packetId, subscriptions } = parseSubscribe(subscribe.flags, subscribe.body, version)
    const plain = { ...subscription, noLocal: false, retainAsPublished: false, retainHandling: 0 }
    assert.deepEqual([packetId, subscriptions], [9, [version === 5 ? subscription : plain]])
    const unsubscribe = frameOf(encodeUnsubscribe(8, ['a', 'b'], version))
    assert.deepEqual(parseUnsubscribe(unsubscribe.flags, unsubscribe.body, version), {
      packetId: 8,
      topicFilters: ['a', 'b'],
    })
    const suback = frameOf(encodeSuback(9, [1, 0x80], version))
    assert.deepEqual(parseSubscribeAnswer(suback.body, version), { packetId: 9, codes: [1, 0x80] })
    const unsuback = frameOf(encodeUnsuback(8, [0, 0x11], version))
    assert.deepEqual(parseSubscribeAnswer(unsuback.body, version).codes, version === 5 ? [0, 0x11] : [])
  }
})
