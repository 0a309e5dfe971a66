import { readFileSync } from 'node:fs'
import { ErrorWithReasonCode, type IClientPublishOptions, type MqttClient } from 'mqtt'
import {
  detachedProperty,
  isValidTopicFilter,
  nobleCrypto,
  type P256PublicKey,
  signPublish,
  signPublishDetached,
  toBase64url,
} from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { type Identity, proveBroker, reserveSequenceNumber } from '../identity/index.ts'
import { performKeyExchange } from '../key-exchange/index.ts'
import { type Command, exitCode, integerOption, parseOptions } from './command.ts'
import { connect, connectionHelp, connectionOptions, isVersion5 } from './connection.ts'
import { brokerKeyHelp, brokerKeyOptions, pinOf } from './identity.ts'
import { openIdentity, passphraseHelp, passphraseOptions } from './passphrase.ts'

const options = {
  ...connectionOptions,
  topic: { type: 'string', short: 't' },
  message: { type: 'string', short: 'm' },
  file: { type: 'string', short: 'f' },
  qos: { type: 'string', short: 'q' },
  retain: { type: 'boolean', short: 'r' },
  identity: { type: 'string' },
  ...passphraseOptions,
  mac: { type: 'boolean' },
  detached: { type: 'boolean' },
  ...brokerKeyOptions,
  json: { type: 'boolean' },
} as const

export const pub: Command = {
  name: 'pub',
  help: `Usage: notarymq pub -t TOPIC (-m TEXT | -f FILE) [options]

  -t, --topic TOPIC             topic name
  -m, --message TEXT            payload
  -f, --file FILE               payload from a file ('-': standard input)
  -q, --qos 0|1|2               default 0, with --identity 1
  -r, --retain
      --identity KEY.pem        sign with this private key; its sequence number is kept in KEY.pem.seq
${passphraseHelp}
      --mac                     agree on a session key with the broker first and put a hop MAC around the signature
      --detached                MQTT 5: the payload stays as it is, the signature goes into a user property
${brokerKeyHelp}
${connectionHelp}
  -V, --protocol-version V      mqttv31, mqttv311 or mqttv5 (default mqttv5, which reports refusals)
      --json                    machine-readable output

Exit code 1: the broker refused the message. With mqttv31 and mqttv311 an acknowledgement does not tell: subscribe to
$notary/rejected/<client id> to learn of refusals.`,
  run: async (args, output) => {
    const values = parseOptions(args, options)
    const { topic } = values
    if (topic === undefined) throw new ClientError('ERR_USAGE', '-t is needed')
    if (!isValidTopicFilter(topic) || /[+#]/.test(topic))
      throw new ClientError('ERR_USAGE', `${topic} is not a topic name`)
    const payload = readPayload(values.message, values.file)
    const identity = values.identity === undefined ? undefined : await openIdentity(values.identity, values, output)
    checkSigning(values)
    const qos = (integerOption('-q', values.qos, 0, 2) ?? (identity === undefined ? 0 : 1)) as 0 | 1 | 2
    const client = await connect(values)
    try {
      const brokerKey = values.mac ? (await proveBroker(client, pinOf(values))).statement.brokerKey : undefined
      const signed =
        identity === undefined ? undefined : await sign(client, identity, topic, payload, values.detached, brokerKey)
      const retain = values.retain ?? false
      await publish(client, topic, signed?.payload ?? payload, { qos, retain, ...signed?.properties })
      if (values.json) {
        const { seq, timeMs, kid } = signed ?? {}
        output.out(
          JSON.stringify({ topic, qos, retain: values.retain ?? false, bytes: payload.length, seq, timeMs, kid }),
        )
      }
      return exitCode.ok
    } finally {
      await client.endAsync()
    }
  },
}

function readPayload(message: string | undefined, file: string | undefined): Uint8Array {
  if ((message === undefined) === (file === undefined)) throw new ClientError('ERR_USAGE', 'one of -m and -f is needed')
  if (message !== undefined) return Buffer.from(message)
  try {
    return readFileSync(file === '-' ? 0 : (file as string))
  } catch (cause) {
    throw new ClientError('ERR_USAGE', `cannot read ${file}`, {}, cause)
  }
}

/** @throws {ClientError} ERR_USAGE */
function checkSigning(values: {
  readonly identity?: string | undefined
  readonly mac?: boolean | undefined
  readonly detached?: boolean | undefined
  readonly 'protocol-version': string
}): void {
  if ((values.mac || values.detached) && values.identity === undefined) {
    throw new ClientError('ERR_USAGE', '--mac and --detached need --identity')
  }
  if (values.detached && !isVersion5(values)) throw new ClientError('ERR_USAGE', '--detached needs MQTT 5')
}

/** @param brokerKey of the broker to agree on a session key with; undefined: without a hop MAC */
async function sign(
  client: MqttClient,
  identity: Identity,
  topic: string,
  payload: Uint8Array,
  isDetached = false,
  brokerKey: P256PublicKey | undefined,
) {
  const { key, thumbprint, path } = identity
  const session = brokerKey === undefined ? undefined : await performKeyExchange(client, identity, { brokerKey })
  const seq = reserveSequenceNumber(path)
  const timeMs = Date.now()
  const signed = { seq, timeMs, kid: toBase64url(thumbprint) }
  const toSign = { topic, payload, seq, timeMs }
  if (isDetached) {
    const value = signPublishDetached(key, thumbprint, toSign, nobleCrypto, session)
    return { ...signed, payload, properties: { properties: { userProperties: { [detachedProperty]: value } } } }
  }
  return { ...signed, payload: signPublish(key, thumbprint, toSign, nobleCrypto, session), properties: {} }
}

async function publish(
  client: Awaited<ReturnType<typeof connect>>,
  topic: string,
  payload: Uint8Array,
  publishOptions: IClientPublishOptions,
): Promise<void> {
  try {
    await client.publishAsync(topic, Buffer.from(payload), publishOptions)
  } catch (cause) {
    if (cause instanceof ErrorWithReasonCode) {
      const code = `0x${cause.code.toString(16).padStart(2, '0')}`
      throw new ClientError('ERR_REFUSED', `the broker refused the message (${code} ${cause.message})`, {}, cause)
    }
    throw new ClientError('ERR_CONNECTION', 'the connection broke before the acknowledgement', {}, cause)
  }
}
