import { ClientError } from '../errors.ts'
import type { IncomingMessage, NotaryClient } from '../sdk/index.ts'
import { type Command, exitCode, integerOption, type Output, usageError } from './command.ts'
import { connectionOf } from './mqtt/connect-options.ts'
import { mqttHelp, mqttOptions, parseMqttOptions } from './mqtt/flags.ts'
import { MessagePrinter, type MessageSink, printHelp, printOptions } from './mqtt/message-printer.ts'
import { openClient } from './mqtt/open-client.ts'
import { payloadHelp, payloadOf, payloadOptions, secondsOption } from './mqtt/payloads.ts'
import { propertiesFor, takeProperties } from './mqtt/properties.ts'
import { subscribeTo } from './mqtt/subscribe.ts'
import { topicOf } from './mqtt/topic-flag.ts'
import { signingHelp, trustOf, trustOptions } from './mqtt/trust-flags.ts'
import { untilSignal } from './mqtt/waiting.ts'

const options = {
  ...mqttOptions,
  ...payloadOptions,
  ...printOptions,
  ...trustOptions,
  topic: { type: 'string', short: 't' },
  'response-topic': { type: 'string', short: 'e' },
  qos: { type: 'string', short: 'q' },
  retain: { type: 'boolean', short: 'r' },
  'no-retained': { type: 'boolean', short: 'R' },
  'verify-only': { type: 'boolean' },
  timeout: { type: 'string', short: 'W' },
} as const

const help = `Usage: notarymq rr -t TOPIC -e RESPONSE_TOPIC (-m TEXT | -f FILE | -s | -n) [options]

Publishes a request and prints the first answer. Flags are those of mosquitto_rr, and more.

  -t, --topic TOPIC             where the request goes
  -e, --response-topic TOPIC    where the answer comes; with MQTT 5 the request says so
${payloadHelp}
  -q, --qos 0|1|2               of request and answer, default 0
  -r, --retain                  the request is retained
  -R, --no-retained             pass over a retained answer
  -W, --timeout SECONDS         give up after so long, with exit code 27
${printHelp}

Who signs, who may read:
${signingHelp}
      --keys PATH               public keys whose signatures are believed: NAME.pem, or a directory of them; repeatable
      --verify-only             pass over what none of them signed

Connection:
${mqttHelp}

Exit code 1: the broker refused request or subscription.`

/** @param sink where the answer goes, byte for byte */
export function rrCommand(sink: MessageSink = process.stdout): Command {
  return { name: 'rr', help, run: (args, output) => run(args, output, sink) }
}

async function run(args: readonly string[], output: Output, sink: MessageSink): Promise<number> {
  const { rest, properties } = takeProperties(args)
  const values = parseMqttOptions(rest, options)
  const connection = connectionOf(values, properties, 'rr')
  const topic = topicOf(values.topic ?? connection.topic)
  if (values['response-topic'] === undefined) throw usageError('-e is needed')
  const responseTopic = topicOf(values['response-topic'])
  const payload = payloadOf(values)
  const qos = (integerOption('-q', values.qos, 0, 2) ?? 0) as 0 | 1 | 2
  const timeoutMs = secondsOption('-W', values.timeout)
  const printer = new MessagePrinter(values, values.keys !== undefined, sink, output)
  const trust = await trustOf(values, output)
  const client = await openClient({ connection, flags: values, trust, staysConnected: false }, output)
  try {
    const answer = answerOf(client, responseTopic, values['no-retained'] ?? false)
    // Whoever ends before it came has said why.
    answer.catch(() => {})
    await subscribeTo(client, [responseTopic], { qos, ...propertiesFor('subscribe', properties) }, output)
    const given = properties.get('publish')
    const isVersion5 = connection.options.protocolVersion === 5
    const published = isVersion5 ? { properties: { responseTopic, ...given } } : {}
    await client.publishAsync(topic, payload, { qos, retain: values.retain ?? false, ...published })
    const printed = answer.then((message) => {
      printer.print({ ...message, receivedAt: new Date() })
      return exitCode.ok as number
    })
    return await untilSignal(printed, timeoutMs)
  } finally {
    await client.endAsync(false, propertiesFor('disconnect', properties))
  }
}

/** @throws {ClientError} ERR_CONNECTION */
function answerOf(client: NotaryClient, responseTopic: string, skipsRetained: boolean): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    client.on('message', (topic, _payload, message) => {
      if (topic === responseTopic && !(skipsRetained && message.retain)) resolve(message)
    })
    client.on('close', () => reject(new ClientError('ERR_CONNECTION', 'the connection broke before the answer came')))
    client.on('error', reject)
  })
}
