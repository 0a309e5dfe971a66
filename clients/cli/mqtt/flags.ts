import { parseOptions, usageError } from '../command.ts'

/** Flags by which `pub`, `sub` and `rr` connect: names, letters and meaning of Mosquitto's clients. */
export const mqttOptions = {
  url: { type: 'string', short: 'L' },
  host: { type: 'string', short: 'h' },
  port: { type: 'string', short: 'p' },
  unix: { type: 'string' },
  id: { type: 'string', short: 'i' },
  'id-prefix': { type: 'string', short: 'I' },
  username: { type: 'string', short: 'u' },
  pw: { type: 'string', short: 'P' },
  'protocol-version': { type: 'string', short: 'V' },
  keepalive: { type: 'string', short: 'k' },
  'disable-clean-session': { type: 'boolean', short: 'c' },
  'session-expiry-interval': { type: 'string', short: 'x' },
  'will-topic': { type: 'string' },
  'will-payload': { type: 'string' },
  'will-qos': { type: 'string' },
  'will-retain': { type: 'boolean' },
  cafile: { type: 'string' },
  capath: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  ciphers: { type: 'string' },
  'tls-version': { type: 'string' },
  'tls-alpn': { type: 'string' },
  'tls-use-os-certs': { type: 'boolean' },
  insecure: { type: 'boolean' },
  nodelay: { type: 'boolean' },
  proxy: { type: 'string' },
  debug: { type: 'boolean', short: 'd' },
  quiet: { type: 'boolean' },
} as const

export type MqttFlags = ReturnType<typeof parseOptions<typeof mqttOptions>>

/** What Mosquitto's clients have and these do not, and why: said instead of an "unknown option". */
const absentFlags: Readonly<Record<string, string>> = {
  '-A': 'binding to an address is not available',
  '--psk-identity': 'TLS with a pre-shared key is not available; use certificates (--cafile, --cert, --key)',
  '--tls-engine': 'OpenSSL engines are not available',
  '--tls-engine-kpass-sha1': 'OpenSSL engines are not available',
  '--keyform': 'keys are PEM files',
}

export const mqttHelp = `  -L, --url URL                 mqtt(s)://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC
  -h, --host HOST               broker (default localhost)
  -p, --port PORT               default 1883, with TLS 8883
      --unix PATH               a unix socket instead
  -i, --id ID                   client id (default: made up); -I, --id-prefix PREFIX: PREFIX and the process id
  -u, --username NAME           username, and with -P, --pw PASSWORD its password
  -V, --protocol-version V      mqttv31, mqttv311 or mqttv5 (default mqttv5, which reports refusals)
  -k, --keepalive SECONDS       default 60
  -c, --disable-clean-session   keep the session when the connection ends; needs -i
  -x, --session-expiry-interval SECONDS   MQTT 5: for how long (default with -c: for ever, else 0)
  -D, --property COMMAND NAME VALUE [VALUE]   an MQTT 5 property, as in mosquitto_pub(1); repeatable
      --will-topic TOPIC [--will-payload TEXT] [--will-qos 0|1|2] [--will-retain]
      --cafile FILE             TLS: authorities of the broker's certificate, PEM; or --capath DIRECTORY,
                                or --tls-use-os-certs: those of this system
      --cert FILE --key FILE    TLS: certificate and private key of this client, PEM
      --tls-version V           tlsv1.3 or tlsv1.2 and no other; --ciphers LIST; --tls-alpn PROTOCOL
      --insecure                TLS: the certificate may be for another host
      --nodelay                 send small packets at once
      --proxy URL               socks5h://[USER[:PASSWORD]@]HOST[:PORT]
  -d, --debug                   show the packets; --quiet: no messages about errors`

/**
 * `parseOptions` that tells a flag of Mosquitto's clients which is not there from one that nobody knows.
 * @throws {ClientError} ERR_USAGE
 */
export function parseMqttOptions<const T extends Parameters<typeof parseOptions>[1]>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseOptions<T>> {
  try {
    return parseOptions(args, options)
  } catch (error) {
    const absent = args.find((arg) => Object.hasOwn(absentFlags, arg))
    throw absent === undefined ? error : usageError(`${absent}: ${absentFlags[absent]}`, error)
  }
}
