import { readFileSync } from 'node:fs'
import { ErrorWithReasonCode, type IClientPublishOptions } from 'mqtt'
import { isValidTopicFilter, nobleCrypto, signPublish, toBase64url } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { type Identity, loadIdentity, reserveSequenceNumber } from '../identity/index.ts'
import { type Command, exitCode, integerOption, parseOptions } from './command.ts'
import { connect, connectionHelp, connectionOptions } from './connection.ts'

const options = {
  ...connectionOptions,
  topic: { type: 'string', short: 't' },
  message: { type: 'string', short: 'm' },
  file: { type: 'string', short: 'f' },
  qos: { type: 'string', short: 'q' },
  retain: { type: 'boolean', short: 'r' },
  identity: { type: 'string' },
  json: { type: 'boolean' },
} as const

export const pub: Command = {
  name: 'pub',
  summary: 'publish one message, signed or not',
  help: `Usage: notarymq pub -t TOPIC (-m TEXT | -f FILE) [options]

  -t, --topic TOPIC             topic name
  -m, --message TEXT            payload
  -f, --file FILE               payload from a file ('-': standard input)
  -q, --qos 0|1|2               default 0, with --identity 1
  -r, --retain
      --identity KEY.pem        sign with this private key; its sequence number is kept in KEY.pem.seq
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
    const identity = values.identity === undefined ? undefined : loadIdentity(values.identity)
    const qos = (integerOption('-q', values.qos, 0, 2) ?? (identity === undefined ? 0 : 1)) as 0 | 1 | 2
    const client = await connect(values)
    try {
      const signed = identity === undefined ? undefined : sign(identity, topic, payload)
      await publish(client, topic, signed?.envelope ?? payload, { qos, retain: values.retain ?? false })
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

function sign(identity: Identity, topic: string, payload: Uint8Array) {
  const seq = reserveSequenceNumber(identity.path)
  const timeMs = Date.now()
  const envelope = signPublish(identity.key, identity.thumbprint, { topic, payload, seq, timeMs }, nobleCrypto)
  return { seq, timeMs, kid: toBase64url(identity.thumbprint), envelope }
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
