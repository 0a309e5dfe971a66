// Properties of MQTT 5, in the order of the wire and with repetitions, neither of which a record could hold.
import { mqttText, variableByteInteger } from '../mqtt-bytes.ts'
import { ByteReader } from './byte-reader.ts'

type Kind = 'byte' | 'two bytes' | 'four bytes' | 'variable' | 'text' | 'binary' | 'pair'

/** [MQTT-5.0 2.2.2.2]: identifier, kind, and the packets of a server that may have it. */
const table = {
  payloadFormatIndicator: [1, 'byte', ['publish']],
  messageExpiryInterval: [2, 'four bytes', ['publish']],
  contentType: [3, 'text', ['publish']],
  responseTopic: [8, 'text', ['publish']],
  correlationData: [9, 'binary', ['publish']],
  subscriptionIdentifier: [11, 'variable', ['publish']],
  sessionExpiryInterval: [17, 'four bytes', ['connack']],
  assignedClientIdentifier: [18, 'text', ['connack']],
  serverKeepAlive: [19, 'two bytes', ['connack']],
  authenticationMethod: [21, 'text', ['connack', 'auth']],
  authenticationData: [22, 'binary', ['connack', 'auth']],
  requestProblemInformation: [23, 'byte', []],
  willDelayInterval: [24, 'four bytes', []],
  requestResponseInformation: [25, 'byte', []],
  responseInformation: [26, 'text', ['connack']],
  serverReference: [28, 'text', ['connack', 'disconnect']],
  reasonString: [
    31,
    'text',
    ['connack', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback', 'disconnect', 'auth'],
  ],
  receiveMaximum: [33, 'two bytes', ['connack']],
  topicAliasMaximum: [34, 'two bytes', ['connack']],
  topicAlias: [35, 'two bytes', ['publish']],
  maximumQos: [36, 'byte', ['connack']],
  retainAvailable: [37, 'byte', ['connack']],
  userProperty: [
    38,
    'pair',
    ['connack', 'publish', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback', 'disconnect', 'auth'],
  ],
  maximumPacketSize: [39, 'four bytes', ['connack']],
  wildcardSubscriptionAvailable: [40, 'byte', ['connack']],
  subscriptionIdentifierAvailable: [41, 'byte', ['connack']],
  sharedSubscriptionAvailable: [42, 'byte', ['connack']],
} as const satisfies Record<string, readonly [number, Kind, readonly string[]]>

export type PropertyName = keyof typeof table
export type PropertyValue = number | string | Uint8Array | readonly [string | Uint8Array, string | Uint8Array]
export type Property = readonly [PropertyName, PropertyValue]

const byId = new Map(Object.entries(table).map(([name, [id]]) => [id as number, name as PropertyName]))

/** With their length before them. Values of the wrong kind are a mistake of the test. */
export function encodeProperties(properties: readonly Property[]): Buffer {
  const body = Buffer.concat(properties.map(encodeProperty))
  return Buffer.concat([variableByteInteger(body.length), body])
}

function encodeProperty([name, value]: Property): Buffer {
  const [id, kind] = table[name]
  return Buffer.concat([Buffer.from([id]), encodeValue(kind, value)])
}

function encodeValue(kind: Kind, value: PropertyValue): Buffer {
  if (kind === 'pair' && Array.isArray(value)) return Buffer.concat(value.map((half) => mqttText(half)))
  if ((kind === 'text' || kind === 'binary') && (typeof value === 'string' || value instanceof Uint8Array))
    return mqttText(value)
  if (typeof value !== 'number') throw new TypeError(`a property cannot have this ${kind}`)
  if (kind === 'variable') return variableByteInteger(value)
  const size = kind === 'byte' ? 1 : kind === 'two bytes' ? 2 : 4
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}

/**
 * A property block as a server sent it in a packet of type `packet`.
 * @throws {Error} when the standard forbids it
 */
export function readProperties(reader: ByteReader, packet: string): readonly Property[] {
  const block = new ByteReader(reader.bytes(reader.variable()))
  const properties: Property[] = []
  while (block.left > 0) {
    const id = block.byte()
    const name = byId.get(id)
    if (name === undefined) throw new Error(`${packet} with the unknown property ${id}`)
    const [, kind, packets] = table[name]
    if (!packets.some((allowed) => allowed === packet)) throw new Error(`${packet} with ${name}`)
    const isRepeatable = name === 'userProperty' || name === 'subscriptionIdentifier'
    if (!isRepeatable && properties.some(([other]) => other === name)) throw new Error(`${packet} with ${name} twice`)
    properties.push([name, readValue(block, kind)])
  }
  return properties
}

function readValue(block: ByteReader, kind: Kind): PropertyValue {
  if (kind === 'byte') return block.byte()
  if (kind === 'two bytes') return block.twoBytes()
  if (kind === 'four bytes') return block.fourBytes()
  if (kind === 'variable') return block.variable()
  if (kind === 'binary') return block.bytes(block.twoBytes())
  if (kind === 'text') return block.text()
  return [block.text(), block.text()]
}

/** All values of a property, in their order. */
export function valuesOf(properties: readonly Property[], name: PropertyName): readonly PropertyValue[] {
  return properties.filter(([other]) => other === name).map(([, value]) => value)
}
