import { isValidTopicFilter } from '../../protocol/index.ts'
import type { IncomingMessage, NotaryClient } from '../sdk/index.ts'
import { type Command, exitCode, integerOption, type Output, usageError } from './command.ts'
import { connectionOf } from './mqtt/connect-options.ts'
import { mqttHelp, mqttOptions, parseMqttOptions } from './mqtt/flags.ts'
import { MessagePrinter, type MessageSink, printHelp, printOptions } from './mqtt/message-printer.ts'
import { openClient } from './mqtt/open-client.ts'
import { secondsOption } from './mqtt/payloads.ts'
import { propertiesFor, takeProperties } from './mqtt/properties.ts'
import { Selection, selectionOptions } from './mqtt/selection.ts'
import { subscribeTo } from './mqtt/subscribe.ts'
import { readingHelp, trustOf, trustOptions } from './mqtt/trust-flags.ts'
import { untilSignal } from './mqtt/waiting.ts'

const options = {
  ...mqttOptions,
  ...printOptions,
  ...selectionOptions,
  ...trustOptions,
  topic: { type: 'string', short: 't', multiple: true },
  unsubscribe: { type: 'string', short: 'U', multiple: true },
  qos: { type: 'string', short: 'q' },
  'verify-only': { type: 'boolean' },
  'retain-as-published': { type: 'boolean' },
  'remove-retained': { type: 'boolean' },
  'exit-after-subscribe': { type: 'boolean', short: 'E' },
  timeout: { type: 'string', short: 'W' },
} as const

const help = `Usage: notarymq sub -t FILTER [-t FILTER ...] [options]

Prints the messages of these topics until it is interrupted. Flags are those of mosquitto_sub, and more.

  -t, --topic FILTER            topic filter; repeatable. -U, --unsubscribe FILTER takes one back
  -q, --qos 0|1|2               default 0
  -T, --filter-out FILTER       leave these out; repeatable
  -R, --no-retained             leave out retained messages; --retained-only: print them only, and end with the first other
      --retain-as-published     MQTT 5: show the retain flag as the publisher set it
      --remove-retained         clear each retained message that comes
      --random-filter PERCENT   print so many of them
  -C, --count N                 end after N messages
  -E, --exit-after-subscribe    end when the subscriptions are acknowledged
  -W, --timeout SECONDS         end after so long, with exit code 27
${printHelp}

Who signed, who may read:
${readingHelp}

Connection:
${mqttHelp}

It connects again when the connection is lost. Exit code 1: the broker refused the subscriptions.`

/** @param sink where messages go, byte for byte */
export function subCommand(sink: MessageSink = process.stdout): Command {
  return { name: 'sub', help, run: (args, output) => run(args, output, sink) }
}

async function run(args: readonly string[], output: Output, sink: MessageSink): Promise<number> {
  const { rest, properties } = takeProperties(args)
  const values = parseMqttOptions(rest, options)
  const connection = connectionOf(values, properties, 'sub')
  const filters = [...(values.topic ?? []), ...(connection.topic === undefined ? [] : [connection.topic])]
  checkFilters(filters, values.unsubscribe ?? [])
  const qos = (integerOption('-q', values.qos, 0, 2) ?? 0) as 0 | 1 | 2
  const timeoutMs = secondsOption('-W', values.timeout)
  const selection = new Selection(values)
  const printer = new MessagePrinter(values, values.keys !== undefined, sink, output)
  const trust = await trustOf(values, output)
  const client = await openClient({ connection, flags: values, trust, staysConnected: true }, output)
  try {
    const ended = new Promise<number>((resolve) => {
      client.on('message', (topic, _payload, message) => {
        const choice = selection.choose(message)
        if (choice === 'end') resolve(exitCode.ok)
        if (choice !== 'print') return
        printer.print({ ...message, receivedAt: new Date() })
        if (values['remove-retained'] && message.retain) clear(client, topic, message, output)
        if (selection.printed()) resolve(exitCode.ok)
      })
    })
    client.on('error', (error) => values.quiet || output.error(`notarymq sub: ${error.message}`))
    const rap = values['retain-as-published']
    const subscribe = { qos, ...(rap ? { rap } : {}), ...propertiesFor('subscribe', properties) }
    if (filters.length > 0) await subscribeTo(client, filters, subscribe, output)
    if (values.unsubscribe !== undefined) {
      await client.unsubscribeAsync([...values.unsubscribe], propertiesFor('unsubscribe', properties))
    }
    if (values['exit-after-subscribe']) return exitCode.ok
    return await untilSignal(ended, timeoutMs)
  } finally {
    await client.endAsync(false, propertiesFor('disconnect', properties))
  }
}

/** @throws {ClientError} ERR_USAGE */
function checkFilters(filters: readonly string[], unsubscribed: readonly string[]): void {
  if (filters.length === 0 && unsubscribed.length === 0) throw usageError('-t is needed')
  const wrong = [...filters, ...unsubscribed].find((filter) => !isValidTopicFilter(filter))
  if (wrong !== undefined) throw usageError(`${wrong} is not a topic filter`)
}

/** The broker may refuse that, where the topic is another one's. */
function clear(client: NotaryClient, topic: string, { qos }: IncomingMessage, output: Output): void {
  client.publishAsync(topic, '', { retain: true, qos: qos === 0 ? 0 : 1 }).catch((error: unknown) => {
    output.error(`notarymq sub: ${error instanceof Error ? error.message : String(error)}`)
  })
}
