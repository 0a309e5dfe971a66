// mqtt-packet is an independent implementation, the one below MQTT.js: what it writes we read, and the other way round.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import {
  encodeAcknowledgement,
  encodeConnack,
  encodeConnect,
  encodeDisconnect,
  encodeMessageProperties,
  encodeSuback,
  encodeUnsuback,
  type ProtocolVersion,
  packetType,
  publishBytes,
  type UserProperty,
  writePublish,
} from '../../../broker/edge/index.ts'
import { parsePacket, versions } from './helpers.ts'

const numRuns = 300
const text = fc.string({ unit: fc.constantFrom('a', 'B', '/', 'ä', '😀', ' '), minLength: 1, maxLength: 30 })
const data = fc.uint8Array({ maxLength: 30 }).map((content) => Buffer.from(content))
const packetId = fc.integer({ min: 1, max: 65_535 })
const qos = fc.constantFrom(0, 1, 2)
const seconds = fc.nat(0xffffffff)
const userProperties = fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 })
const messageProperties = fc.record(
  {
    payloadFormatIndicator: fc.constantFrom(0, 1),
    messageExpiryInterval: seconds,
    contentType: text,
    responseTopic: text,
    correlationData: data,
    userProperties,
  },
  { requiredKeys: [], noNullPrototype: true },
)

/** mqtt-packet has an object where the wire has a list: values of one name together, in the order of first names. */
function asObject(pairs: readonly UserProperty[]): Record<string, string[]> {
  const object: Record<string, string[]> = {}
  for (const [name, value] of pairs) {
    object[name] ??= []
    object[name].push(value)
  }
  return object
}

function asPairs(object: Record<string, string[]>): UserProperty[] {
  return Object.entries(object).flatMap(([name, values]) => values.map((value) => [name, value] as const))
}

/** Without what is undefined, which mqtt-packet takes for present, and with what it has in another form. */
function forGenerate(properties: object): Record<string, unknown> {
  const defined = Object.entries(properties).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    defined.map(([name, value]) => {
      if (name === 'payloadFormatIndicator') return [name, value === 1]
      return [name, name === 'userProperties' ? asObject(value) : value]
    }),
  )
}

function generate(packet: object, version: ProtocolVersion): Buffer {
  return mqttPacket.generate(packet as Packet, { protocolVersion: version })
}

/** What mqtt-packet makes of bytes that we wrote. */
function parseByOther(bytes: Buffer, version: ProtocolVersion): Record<string, unknown> {
  const parser = mqttPacket.parser({ protocolVersion: version })
  const packets: unknown[] = []
  parser.on('packet', (packet) => packets.push(packet))
  parser.on('error', (error) => {
    throw error
  })
  assert.equal(parser.parse(bytes), 0, 'no bytes left over')
  assert.equal(packets.length, 1)
  return packets[0] as Record<string, unknown>
}

for (const version of versions) {
  test(`a CONNECT that mqtt-packet wrote is parsed to the same fields in version ${version}`, () => {
    const will = fc.record({ topic: text, payload: data, qos, retain: fc.boolean(), properties: messageProperties })
    const properties = fc.record({
      sessionExpiryInterval: seconds,
      receiveMaximum: packetId,
      maximumPacketSize: fc.integer({ min: 1, max: 0xffffffff }),
      topicAliasMaximum: fc.nat(65_535),
      requestResponseInformation: fc.boolean(),
      requestProblemInformation: fc.boolean(),
      authenticationMethod: text,
      authenticationData: data,
    })
    const connects = fc.record({
      clientId: text,
      clean: fc.boolean(),
      keepalive: fc.nat(65_535),
      username: text,
      password: data.filter((content) => content.length > 0),
      will: fc.option(will, { nil: undefined }),
      properties,
      willDelayInterval: seconds,
    })
    fc.assert(
      fc.property(connects, ({ willDelayInterval, will: sentWill, properties: sent, ...connect }) => {
        const isFive = version === 5
        const willProperties = { ...sentWill?.properties, willDelayInterval }
        const generated = generate(
          {
            ...connect,
            cmd: 'connect',
            protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
            protocolVersion: version,
            ...(isFive ? { properties: forGenerate(sent) } : {}),
            ...(sentWill === undefined
              ? {}
              : { will: { ...sentWill, properties: isFive ? forGenerate(willProperties) : undefined } }),
          },
          version,
        )
        assert.deepEqual(parsePacket(generated, version), {
          protocolVersion: version,
          isBridge: false,
          clientId: connect.clientId,
          cleanStart: connect.clean,
          keepAliveSeconds: connect.keepalive,
          username: connect.username,
          password: connect.password,
          will: sentWill && {
            ...sentWill,
            properties: isFive ? received(sentWill.properties) : undefined,
            delayIntervalSeconds: isFive ? willDelayInterval : 0,
          },
          sessionExpiryIntervalSeconds: isFive ? sent.sessionExpiryInterval : connect.clean ? 0 : 0xffffffff,
          receiveMaximum: isFive ? sent.receiveMaximum : 65_535,
          maximumPacketSize: isFive ? sent.maximumPacketSize : undefined,
          topicAliasMaximum: isFive ? sent.topicAliasMaximum : 0,
          requestResponseInformation: isFive && sent.requestResponseInformation,
          requestProblemInformation: !isFive || sent.requestProblemInformation,
          authenticationMethod: isFive ? sent.authenticationMethod : undefined,
          authenticationData: isFive ? sent.authenticationData : undefined,
          userProperties: undefined,
        })
      }),
      { seed: 11, numRuns },
    )
  })

  test(`a PUBLISH that mqtt-packet wrote is parsed to the same fields in version ${version}`, () => {
    const publishes = fc.record({ topic: text, payload: data, qos, retain: fc.boolean(), messageId: packetId })
    fc.assert(
      fc.property(publishes, messageProperties, (publish, properties) => {
        const extra = version === 5 ? { properties: forGenerate(properties) } : {}
        const generated = generate({ ...publish, ...extra, cmd: 'publish', dup: publish.qos > 0 }, version)
        const { messageId, ...fields } = publish
        assert.deepEqual(parsePacket(generated, version), {
          ...fields,
          dup: publish.qos > 0,
          packetId: publish.qos === 0 ? 0 : messageId,
          properties: version === 5 ? received(properties) : undefined,
          topicAlias: undefined,
        })
      }),
      { seed: 12, numRuns },
    )
  })

  test(`a PUBLISH that we wrote is parsed by mqtt-packet to the same fields in version ${version}`, () => {
    const options = fc.record({ qos, retain: fc.boolean(), packetId, topicAlias: packetId })
    fc.assert(
      fc.property(text, data, messageProperties, options, (topic, payload, properties, chosen) => {
        const { messageExpiryInterval: messageExpirySeconds, ...forwarded } = properties
        const message = { topicBytes: Buffer.from(topic), payload, properties: encodeMessageProperties(forwarded) }
        const all = {
          ...chosen,
          version,
          dup: false,
          sendTopic: true,
          messageExpirySeconds,
          subscriptionIdentifiers: [7],
        }
        const target = Buffer.alloc(publishBytes(message, all))
        writePublish(target, 0, message, all)
        const parsed = parseByOther(target, version)
        assert.equal(parsed.topic, topic)
        assert.deepEqual(parsed.payload, payload)
        assert.deepEqual([parsed.qos, parsed.retain, parsed.dup], [chosen.qos, chosen.retain, false])
        assert.equal(parsed.messageId, chosen.qos === 0 ? undefined : chosen.packetId)
        if (version === 5) {
          assert.deepEqual(fromOther(parsed.properties as object), {
            ...forGenerate(properties),
            topicAlias: chosen.topicAlias,
            subscriptionIdentifier: 7,
          })
        }
      }),
      { seed: 13, numRuns },
    )
  })

  test(`SUBSCRIBE and UNSUBSCRIBE that mqtt-packet wrote are parsed to the same fields in version ${version}`, () => {
    const subscriptions = fc.array(
      fc.record({ topic: text, qos, nl: fc.boolean(), rap: fc.boolean(), rh: fc.constantFrom(0, 1, 2) }),
      { minLength: 1, maxLength: 5 },
    )
    const identifiers = fc.option(fc.integer({ min: 1, max: 268_435_455 }), { nil: undefined })
    fc.assert(
      fc.property(packetId, subscriptions, identifiers, (messageId, list, subscriptionIdentifier) => {
        const properties = version === 5 ? { properties: forGenerate({ subscriptionIdentifier }) } : {}
        const subscribe = generate({ cmd: 'subscribe', messageId, subscriptions: list, ...properties }, version)
        const isFive = version === 5
        assert.deepEqual(parsePacket(subscribe, version), {
          packetId: messageId,
          subscriptions: list.map(({ topic, nl, rap, rh, ...rest }) => ({
            ...rest,
            topicFilter: topic,
            noLocal: isFive && nl,
            retainAsPublished: isFive && rap,
            retainHandling: isFive ? rh : 0,
          })),
          subscriptionIdentifier: isFive ? subscriptionIdentifier : undefined,
        })
        const topicFilters = list.map(({ topic }) => topic)
        const unsubscribe = generate({ cmd: 'unsubscribe', messageId, unsubscriptions: topicFilters }, version)
        assert.deepEqual(parsePacket(unsubscribe, version), { packetId: messageId, topicFilters })
      }),
      { seed: 14, numRuns },
    )
  })

  test(`acknowledgements are read by both sides alike in version ${version}`, () => {
    for (const [cmd, type, code] of [
      ['puback', packetType.puback, 0x10],
      ['pubrec', packetType.pubrec, 0x87],
      ['pubrel', packetType.pubrel, 0x92],
      ['pubcomp', packetType.pubcomp, 0x92],
    ] as const) {
      for (const reasonCode of [0, code]) {
        const sent = version === 5 ? reasonCode : 0
        const generated = generate({ cmd, messageId: 513, reasonCode: sent }, version)
        assert.deepEqual(parsePacket(generated, version), { packetId: 513, reasonCode: sent })
        const parsed = parseByOther(encodeAcknowledgement(type, 513, reasonCode, version), version)
        assert.equal(parsed.cmd, cmd)
        assert.equal(parsed.messageId, 513)
        assert.equal(parsed.reasonCode ?? 0, sent)
      }
    }
  })

  test(`CONNACK, SUBACK and UNSUBACK that we wrote are parsed by mqtt-packet to the same fields in version ${version}`, () => {
    const isFive = version === 5
    const connack = parseByOther(
      encodeConnack(version, {
        sessionPresent: true,
        code: 0,
        serverKeepAliveSeconds: 60,
        topicAliasMaximum: 10,
        assignedClientId: 'auto',
        retainAvailable: false,
        maximumPacketSize: 1000,
        receiveMaximum: 20,
        maximumQos: 1,
        sessionExpiryIntervalSeconds: 7,
        responseInformation: 'r',
      }),
      version,
    )
    assert.equal(connack.sessionPresent, version !== 3)
    assert.equal(isFive ? connack.reasonCode : connack.returnCode, 0)
    if (isFive) {
      assert.deepEqual(fromOther(connack.properties as object), {
        serverKeepAlive: 60,
        topicAliasMaximum: 10,
        assignedClientIdentifier: 'auto',
        retainAvailable: false,
        maximumPacketSize: 1000,
        receiveMaximum: 20,
        maximumQoS: 1,
        sessionExpiryInterval: 7,
        responseInformation: 'r',
      })
    }
    const suback = parseByOther(encodeSuback(9, [0, 1, 2, 0x80], version), version)
    assert.deepEqual([suback.messageId, suback.granted], [9, [0, 1, 2, 0x80]])
    const unsuback = parseByOther(encodeUnsuback(9, [0, 0x11], version), version)
    assert.equal(unsuback.messageId, 9)
    if (isFive) assert.deepEqual(unsuback.granted, [0, 0x11])
  })

  test(`a CONNECT that we wrote is parsed by mqtt-packet to the same fields in version ${version}`, () => {
    fc.assert(
      fc.property(text, fc.boolean(), text, data, (clientId, cleanStart, username, password) => {
        const extra = version === 5 ? { authenticationMethod: 'm', authenticationData: password } : {}
        const parsed = parseByOther(
          encodeConnect({ version, clientId, cleanStart, username, password, ...extra }),
          version,
        )
        assert.deepEqual(
          [parsed.protocolVersion, parsed.clientId, parsed.clean, parsed.username, parsed.keepalive, parsed.will],
          [version, clientId, cleanStart, username, 0, undefined],
        )
        assert.deepEqual(parsed.password, password)
        if (version === 5) {
          assert.deepEqual(fromOther(parsed.properties as object), {
            authenticationMethod: 'm',
            authenticationData: password,
          })
        }
      }),
      { seed: 15, numRuns },
    )
  })
}

test('a DISCONNECT is read by both sides alike', () => {
  assert.equal(parseByOther(encodeDisconnect(0x8e), 5).reasonCode, 0x8e)
  const generated = generate({ cmd: 'disconnect', reasonCode: 4, properties: { sessionExpiryInterval: 9 } }, 5)
  assert.deepEqual(parsePacket(generated, 5), { reasonCode: 4, sessionExpiryIntervalSeconds: 9 })
})

/** Message properties as our parser gives them after mqtt-packet has sorted the user properties. */
function received(properties: { readonly userProperties?: readonly UserProperty[] }): object | undefined {
  if (Object.keys(properties).length === 0) return undefined
  const { userProperties: pairs } = properties
  return pairs === undefined ? properties : { ...properties, userProperties: asPairs(asObject(pairs)) }
}

/** Properties as mqtt-packet gives them: without its null prototype, single user properties as lists too. */
function fromOther(properties: object): Record<string, unknown> {
  const entries = Object.entries(properties).map(([name, value]) => {
    if (name !== 'userProperties') return [name, value]
    const lists = Object.entries(value as Record<string, string | string[]>)
    return [name, Object.fromEntries(lists.map(([key, values]) => [key, [values].flat()]))]
  })
  return Object.fromEntries(entries)
}
