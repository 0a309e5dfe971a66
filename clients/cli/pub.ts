import { writeFileSync } from 'node:fs'
import type { IClientPublishOptions, IPublishPacket } from 'mqtt'
import { detachedProperty, parseAttachedEnvelope, parseDetachedEnvelope, toBase64url } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import type { NotaryClient, Signer, VerifiedReceipt } from '../sdk/index.ts'
import { type Command, exitCode, integerOption, type Output, usageError } from './command.ts'
import { connectionOf } from './mqtt/connect-options.ts'
import { mqttHelp, mqttOptions, parseMqttOptions } from './mqtt/flags.ts'
import { openClient } from './mqtt/open-client.ts'
import { payloadHelp, payloadOptions, payloadsOf, repeatHelp, repeatOptions } from './mqtt/payloads.ts'
import { propertiesFor, takeProperties } from './mqtt/properties.ts'
import { ReceiptsOfPublishes } from './mqtt/receipts-of-publishes.ts'
import { adviceOn } from './mqtt/refusal-advice.ts'
import { topicOf } from './mqtt/topic-flag.ts'
import { signingHelp, trustOf, trustOptions } from './mqtt/trust-flags.ts'
import { whileConnected } from './mqtt/waiting.ts'
import { printable } from './printable.ts'

const options = {
  ...mqttOptions,
  ...payloadOptions,
  ...repeatOptions,
  ...trustOptions,
  topic: { type: 'string', short: 't' },
  qos: { type: 'string', short: 'q' },
  retain: { type: 'boolean', short: 'r' },
  'max-inflight': { type: 'string', short: 'M' },
  receipt: { type: 'boolean' },
  'receipt-file': { type: 'string' },
  json: { type: 'boolean' },
} as const

export const pub: Command = {
  name: 'pub',
  help: `Usage: notarymq pub -t TOPIC (-m TEXT | -f FILE | -s | -n | -l) [options]

Flags are those of mosquitto_pub, and more.

  -t, --topic TOPIC             topic name
${payloadHelp}
${repeatHelp}
  -q, --qos 0|1|2               default 0, with --identity or --receipt 1
  -r, --retain
  -M, --max-inflight N          acknowledgements waited for at a time (default 20)

Who signs, who may read:
${signingHelp}
      --receipt                 wait until a receipt proves that each message is in the log, and say where
      --receipt-file FILE       as --receipt, and keep the receipt of the one message: 'audit verify-receipt FILE'

Connection:
${mqttHelp}
      --json                    machine-readable output

Exit code 1: the broker refused a message. With mqttv31 and mqttv311 an acknowledgement does not tell: subscribe to
$notary/rejected/<client id>, or ask for a receipt.`,
  run: async (args, output) => {
    const { rest, properties } = takeProperties(args)
    const values = parseMqttOptions(rest, options)
    const connection = connectionOf(values, properties, 'pub')
    const topic = topicOf(values.topic ?? connection.topic)
    const payloads = payloadsOf(values)
    if (values['receipt-file'] !== undefined && (values['stdin-line'] || values.repeat !== undefined)) {
      throw usageError('--receipt-file is for one message')
    }
    const wantsReceipt = values.receipt === true || values['receipt-file'] !== undefined
    const isSafer = values.identity !== undefined || wantsReceipt
    const qos = (integerOption('-q', values.qos, 0, 2) ?? (isSafer ? 1 : 0)) as 0 | 1 | 2
    if (wantsReceipt && qos === 0) throw usageError('--receipt needs QoS 1 or 2: with QoS 0 nobody knows what arrived')
    const window = integerOption('-M', values['max-inflight'], 1, 65_535) ?? 20
    const trust = { ...(await trustOf(values, output)), ...(wantsReceipt ? { receipts: true } : {}) }
    const client = await openClient({ connection, flags: values, trust, staysConnected: false }, output)
    try {
      const receipts = wantsReceipt ? new ReceiptsOfPublishes(client) : undefined
      const publishOptions = { qos, retain: values.retain ?? false, ...propertiesFor('publish', properties) }
      if (values.json) {
        client.on('packetsend', (packet) => {
          // The client asks the broker itself, too.
          if (packet.cmd === 'publish' && packet.topic === topic) output.out(sentJson(packet, trust.identity))
        })
      }
      const publishing = publishAll(client, topic, payloads, publishOptions, window, output)
      const { accepted, refused } = await whileConnected(client, publishing)
      const proved = (await receipts?.all(accepted)) ?? []
      showReceipts(proved, values['receipt-file'], values.json ?? false, output)
      return refused === 0 ? exitCode.ok : exitCode.no
    } finally {
      await client.endAsync(false, propertiesFor('disconnect', properties))
    }
  },
}

/** How many messages became what. */
interface Outcome {
  readonly accepted: number
  readonly refused: number
}

/**
 * Publishes each payload, so many at a time. One that is refused is told, and the others go on.
 * @throws {ClientError} ERR_CONNECTION, and what signing and encrypting throw
 */
async function publishAll(
  client: NotaryClient,
  topic: string,
  payloads: AsyncIterable<Uint8Array>,
  publishOptions: IClientPublishOptions,
  window: number,
  output: Output,
): Promise<Outcome> {
  // The broker says why before it acknowledges, so it is known by then. Others than ours do not say.
  let why = ''
  client.on('rejected', ({ cause }) => {
    why = `, ${adviceOn(printable(cause))}`
  })
  const inFlight = new Set<Promise<void>>()
  let [accepted, refused] = [0, 0]
  let failure: unknown
  for await (const payload of payloads) {
    if (failure !== undefined) break
    const publishing = client.publishAsync(topic, payload, publishOptions).then(
      () => {
        accepted++
      },
      (error: unknown) => {
        if (error instanceof ClientError && error.code === 'ERR_REFUSED') {
          refused++
          output.error(`notarymq pub: ${error.message}${why}`)
        } else failure ??= error
      },
    )
    inFlight.add(publishing)
    publishing.then(() => inFlight.delete(publishing))
    if (inFlight.size >= window) await Promise.race(inFlight)
  }
  await Promise.all(inFlight)
  if (failure !== undefined) throw failure
  return { accepted, refused }
}

/** A message as it went out, with what its envelope says. */
function sentJson({ topic, payload, qos, retain, properties }: IPublishPacket, signer: Signer | undefined): string {
  const bytes = Buffer.from(payload)
  const value = properties?.userProperties?.[detachedProperty]
  const envelope = typeof value === 'string' ? parseDetachedEnvelope(value, bytes) : parseAttachedEnvelope(bytes)
  const signed =
    envelope === undefined || signer === undefined
      ? {}
      : { seq: envelope.seq, timeMs: envelope.timeMs, kid: toBase64url(signer.thumbprint) }
  return JSON.stringify({ topic, qos, retain, bytes: (envelope?.payload ?? bytes).length, ...signed })
}

/** @throws {ClientError} ERR_RECEIPT_FILE */
function showReceipts(
  receipts: readonly VerifiedReceipt[],
  file: string | undefined,
  isJson: boolean,
  output: Output,
): void {
  for (const { index, origin, treeSize, json } of receipts) {
    if (file !== undefined) writeReceipt(file, JSON.stringify(json))
    if (isJson) output.out(JSON.stringify(json))
    else output.out(`recorded as ${index} in ${origin}, proved for its first ${treeSize} records`)
  }
}

function writeReceipt(file: string, text: string): void {
  try {
    writeFileSync(file, `${text}\n`)
  } catch (cause) {
    throw new ClientError('ERR_RECEIPT_FILE', `cannot write ${file}`, {}, cause)
  }
}
