import { usageError } from '../command.ts'

/** MQTT 5 properties by packet, as MQTT.js takes them. */
export type Properties = Record<string, unknown>

/** Properties that `-D` gave, by the packet that they are for. */
export type PropertiesByCommand = ReadonlyMap<string, Properties>

type Kind = 'byte' | 'integer' | 'text' | 'binary' | 'pair'

interface Property {
  /** Name of MQTT.js. */
  readonly key: string
  readonly kind: Kind
  readonly most?: number
}

const byte = (key: string): Property => ({ key, kind: 'byte' })
const integer = (key: string, most: number): Property => ({ key, kind: 'integer', most })
const text = (key: string): Property => ({ key, kind: 'text' })
const binary = (key: string): Property => ({ key, kind: 'binary' })
const user: Property = { key: 'userProperties', kind: 'pair' }

const u16 = 0xffff
const u32 = 0xffff_ffff
/** Variable byte integer [MQTT-5.0 1.5.5]. */
const longestVariable = 268_435_455

const applicationMessage: Readonly<Record<string, Property>> = {
  'content-type': text('contentType'),
  'correlation-data': binary('correlationData'),
  'message-expiry-interval': integer('messageExpiryInterval', u32),
  'payload-format-indicator': byte('payloadFormatIndicator'),
  'response-topic': text('responseTopic'),
  'user-property': user,
}

/** What may be given for which packet [MQTT-5.0 2.2.2.2], by the names of Mosquitto's clients. */
const known: Readonly<Record<string, Readonly<Record<string, Property>>>> = {
  connect: {
    'authentication-data': binary('authenticationData'),
    'authentication-method': text('authenticationMethod'),
    'maximum-packet-size': integer('maximumPacketSize', u32),
    'receive-maximum': integer('receiveMaximum', u16),
    'request-problem-information': byte('requestProblemInformation'),
    'request-response-information': byte('requestResponseInformation'),
    'session-expiry-interval': integer('sessionExpiryInterval', u32),
    'topic-alias-maximum': integer('topicAliasMaximum', u16),
    'user-property': user,
  },
  publish: { ...applicationMessage, 'topic-alias': integer('topicAlias', u16) },
  subscribe: { 'subscription-identifier': integer('subscriptionIdentifier', longestVariable), 'user-property': user },
  unsubscribe: { 'user-property': user },
  disconnect: {
    'session-expiry-interval': integer('sessionExpiryInterval', u32),
    'user-property': user,
  },
  will: { ...applicationMessage, 'will-delay-interval': integer('willDelayInterval', u32) },
}

/** Properties that MQTT.js has as booleans. */
const areBooleans = new Set(['requestProblemInformation', 'requestResponseInformation', 'payloadFormatIndicator'])

/**
 * Takes every `-D COMMAND NAME VALUE [VALUE]` out of a command line: how many words it has depends on NAME.
 * @returns the words that stay, and what was asked for
 * @throws {ClientError} ERR_USAGE
 */
export function takeProperties(args: readonly string[]): {
  readonly rest: readonly string[]
  readonly properties: PropertiesByCommand
} {
  const rest: string[] = []
  const properties = new Map<string, Properties>()
  for (let i = 0; i < args.length; i++) {
    if (args[i] !== '-D' && args[i] !== '--property') {
      rest.push(args[i] as string)
      continue
    }
    const [command = '', name = ''] = args.slice(i + 1, i + 3)
    const property = propertyOf(command.toLowerCase(), name.toLowerCase())
    const count = property.kind === 'pair' ? 2 : 1
    const values = args.slice(i + 3, i + 3 + count)
    if (values.length < count) throw usageError(`-D ${command} ${name} is cut off`)
    const given = properties.get(command.toLowerCase()) ?? {}
    properties.set(command.toLowerCase(), given)
    add(given, property, values, `-D ${command} ${name}`)
    i += 2 + count
  }
  return { rest, properties }
}

/** The properties of one packet, where there are any, as options of MQTT.js have them. */
export function propertiesFor(command: string, properties: PropertiesByCommand): { readonly properties?: Properties } {
  const given = properties.get(command)
  return given === undefined ? {} : { properties: given }
}

function propertyOf(command: string, name: string): Property {
  const ofCommand = Object.hasOwn(known, command) ? known[command] : undefined
  if (ofCommand === undefined) throw usageError(`-D is for ${Object.keys(known).join(', ')}, not ${command}`)
  const property = Object.hasOwn(ofCommand, name) ? ofCommand[name] : undefined
  if (property === undefined) throw usageError(`-D ${command} takes ${Object.keys(ofCommand).join(', ')}, not ${name}`)
  return property
}

function add(given: Properties, { key, kind, most }: Property, values: readonly string[], what: string): void {
  const [value = '', second = ''] = values
  if (kind === 'pair') {
    const pairs = new Map(Object.entries((given[key] ?? {}) as Record<string, string | string[]>))
    const before = pairs.get(value)
    given[key] = Object.fromEntries(pairs.set(value, before === undefined ? second : [before, second].flat()))
    return
  }
  if (Object.hasOwn(given, key)) throw usageError(`${what} is given twice`)
  given[key] = parsedValue(key, kind, value, most ?? 1, what)
}

function parsedValue(key: string, kind: Kind, value: string, most: number, what: string): unknown {
  if (kind === 'text') return value
  if (kind === 'binary') return Buffer.from(value)
  const number = Number(value)
  if (!/^[0-9]+$/.test(value) || number > most) throw usageError(`${what} is an integer from 0 to ${most}`)
  return areBooleans.has(key) ? number === 1 : number
}
