import { existsSync, readdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { IClientOptions } from 'mqtt'
import { isTopicName, withoutUndefined } from '../../../protocol/index.ts'
import { integerOption, usageError } from '../command.ts'
import { readGivenFile } from '../given-file.ts'
import { protocolVersionOption } from '../protocol-version.ts'
import type { MqttFlags } from './flags.ts'
import type { Properties, PropertiesByCommand } from './properties.ts'

/** Where and how to connect. */
export interface Connection {
  /** `mqtt://HOST:PORT` or `mqtts://HOST:PORT`. */
  readonly url: string
  readonly options: IClientOptions
  /** Of `-L`, where it has one. */
  readonly topic: string | undefined
}

const connectTimeoutMs = 10_000
const neverExpires = 0xffff_ffff

/**
 * What the flags ask for, as MQTT.js takes it.
 * @param prefix of the client id that is made up
 * @throws {ClientError} ERR_USAGE
 */
export function connectionOf(flags: MqttFlags, properties: PropertiesByCommand, prefix: string): Connection {
  const version = protocolVersionOption(flags['protocol-version'] ?? 'mqttv5')
  const isVersion5 = version.protocolVersion === 5
  if (!isVersion5 && properties.size > 0) throw usageError('-D needs MQTT 5')
  if (flags.pw !== undefined && flags.username === undefined && !isVersion5) throw usageError('-P needs -u')
  const where = placeOf(flags)
  const tls = tlsOf(flags, where.isTls)
  const port = where.port ?? (tls === undefined ? 1883 : 8883)
  const host = where.host.includes(':') ? `[${where.host}]` : where.host
  const options = {
    ...version,
    clientId: clientIdOf(flags, prefix),
    clean: !flags['disable-clean-session'],
    keepalive: integerOption('-k', flags.keepalive, 0, 65_535) ?? 60,
    connectTimeout: connectTimeoutMs,
    // A command that loses its broker says so.
    reconnectPeriod: 0,
    ...loginOf(flags, where),
    ...tls,
    ...(flags.unix === undefined ? {} : { unixSocket: true, path: flags.unix }),
    ...withoutUndefined({
      socksProxy: flags.proxy,
      will: willOf(flags, properties.get('will')),
      properties: isVersion5 ? connectProperties(flags, properties.get('connect')) : undefined,
    }),
  }
  const scheme = tls === undefined ? 'mqtt' : 'mqtts'
  return { url: `${scheme}://${host}:${port}`, options, topic: where.topic }
}

interface Place {
  readonly host: string
  readonly port: number | undefined
  readonly isTls: boolean
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly topic?: string | undefined
}

/** Port of a URL without one: 1883, or 8883 with TLS. */
function placeOf(flags: MqttFlags): Place {
  if (flags.url === undefined) {
    return { host: flags.host ?? 'localhost', port: integerOption('-p', flags.port, 1, 65_535), isTls: false }
  }
  if (flags.host !== undefined || flags.port !== undefined || flags.unix !== undefined) {
    throw usageError('-L has host and port in it: -h, -p and --unix do not go with it')
  }
  const url = URL.canParse(flags.url) ? new URL(flags.url) : undefined
  if (url === undefined || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '') {
    throw usageError('-L is mqtt(s)://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC')
  }
  const topic = decoded(url.pathname.slice(1))
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? undefined : Number(url.port),
    isTls: url.protocol === 'mqtts:',
    username: url.username === '' ? undefined : decoded(url.username),
    password: url.password === '' ? undefined : decoded(url.password),
    topic: topic === '' ? undefined : topic,
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    throw usageError('-L has a % that begins no encoded character', cause)
  }
}

function loginOf(flags: MqttFlags, place: Place): Pick<IClientOptions, 'username' | 'password'> {
  return withoutUndefined({ username: flags.username ?? place.username, password: flags.pw ?? place.password })
}

function clientIdOf(flags: MqttFlags, prefix: string): string {
  if (flags.id !== undefined && flags['id-prefix'] !== undefined) throw usageError('-i and -I do not go together')
  if (flags['disable-clean-session'] && flags.id === undefined && flags['id-prefix'] === undefined) {
    throw usageError('-c needs -i: a session is kept under its client id')
  }
  if (flags.id !== undefined) return flags.id
  if (flags['id-prefix'] !== undefined) return `${flags['id-prefix']}${process.pid}`
  return `${prefix}-${hostname().slice(0, 20)}-${process.pid}`
}

function willOf(flags: MqttFlags, properties: Properties | undefined): IClientOptions['will'] | undefined {
  const topic = flags['will-topic']
  const isAskedFor = flags['will-payload'] !== undefined || flags['will-qos'] !== undefined || flags['will-retain']
  if (topic === undefined) {
    if (isAskedFor || properties !== undefined) throw usageError('a will needs --will-topic')
    return undefined
  }
  if (!isTopicName(topic)) throw usageError(`--will-topic ${topic} is not a topic name`)
  return {
    topic,
    payload: Buffer.from(flags['will-payload'] ?? ''),
    qos: (integerOption('--will-qos', flags['will-qos'], 0, 2) ?? 0) as 0 | 1 | 2,
    retain: flags['will-retain'] ?? false,
    ...(properties === undefined ? {} : { properties }),
  }
}

function connectProperties(flags: MqttFlags, properties: Properties | undefined): Properties {
  return { sessionExpiryInterval: expiryOf(flags), ...properties }
}

/** With -c for ever, as Mosquitto's clients have it. */
function expiryOf(flags: MqttFlags): number {
  const text = flags['session-expiry-interval']
  if (text === undefined) return flags['disable-clean-session'] ? neverExpires : 0
  if (text === '-1' || text === '∞') return neverExpires
  return integerOption('-x', text, 0, neverExpires) as number
}

const tlsVersions: ReadonlyMap<string, 'TLSv1.3' | 'TLSv1.2'> = new Map([
  ['tlsv1.3', 'TLSv1.3'],
  ['tlsv1.2', 'TLSv1.2'],
])
/** Where Debian and most others keep the authorities that the system trusts. */
const systemAuthorities = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt']

/** Undefined without TLS, which any of its flags asks for. */
function tlsOf(flags: MqttFlags, isTls: boolean): IClientOptions | undefined {
  const { cafile, capath, cert, key, ciphers } = flags
  const alpn = flags['tls-alpn']
  const version = flags['tls-version']
  const trusts = [cafile, capath, flags['tls-use-os-certs']].some((flag) => flag !== undefined)
  if (!trusts && !isTls) {
    const needsTls = [cert, key, ciphers, alpn, version, flags.insecure].some((flag) => flag !== undefined)
    if (needsTls) throw usageError('TLS needs --cafile, --capath, --tls-use-os-certs, or an mqtts:// URL')
    return undefined
  }
  if ((cert === undefined) !== (key === undefined)) throw usageError('--cert and --key go together')
  const only = version === undefined ? undefined : tlsVersions.get(version)
  if (version !== undefined && only === undefined) throw usageError('--tls-version takes tlsv1.3 or tlsv1.2')
  const options = {
    ca: authorities(cafile, capath, flags['tls-use-os-certs'] ?? false),
    cert: cert === undefined ? undefined : readGivenFile(cert),
    key: key === undefined ? undefined : readGivenFile(key),
    ciphers,
    ALPNProtocols: alpn === undefined ? undefined : [alpn],
    minVersion: only,
    maxVersion: only,
    // The chain is verified all the same.
    checkServerIdentity: flags.insecure ? () => undefined : undefined,
  }
  return withoutUndefined(options) as IClientOptions
}

function authorities(cafile: string | undefined, capath: string | undefined, system: boolean): Buffer[] | undefined {
  const files = [
    ...(cafile === undefined ? [] : [cafile]),
    ...(capath === undefined ? [] : filesOf(capath)),
    ...(system ? [systemFile()] : []),
  ]
  return files.length === 0 ? undefined : files.map(readGivenFile)
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(?:pem|crt|\d+)$/.test(name))
      .map((name) => join(directory, name))
  } catch (cause) {
    throw usageError(`cannot read ${directory}`, cause)
  }
}

function systemFile(): string {
  const path = systemAuthorities.find(existsSync)
  if (path === undefined) throw usageError('this system has its authorities where nobody looks; use --cafile')
  return path
}
