import { once } from 'node:events'
import type { MqttClient } from 'mqtt'
import { isTopicName } from '../../protocol/index.ts'
import { type Command, exitCode, integerOption, type Output, parseArguments, usageError } from '../cli/command.ts'
import { connect } from '../cli/connection.ts'
import { actionNames, isAction } from './actions.ts'
import { askResponder } from './ask-responder.ts'
import { type DhParameters, defaultDhParameters, dhParametersPem, loadDhParameters } from './dh-parameters.ts'
import { Responder } from './responder.ts'

export const programName = 'secure_mqtt_client'

const options = {
  host: { type: 'string', default: 'localhost' },
  port: { type: 'string', short: 'p', default: '1884' },
  timeout: { type: 'string', short: 'W', default: '10' },
  dhparam: { type: 'string' },
  'print-dhparam': { type: 'boolean' },
  respond: { type: 'string' },
  verbose: { type: 'boolean', short: 'v' },
} as const

/** Longest message, in bytes of UTF-8. */
const maxMessageBytes = 64 * 1024
const longestTimeoutSeconds = 3600

/** The second program of the package. */
export const secureMqttClient: Command = {
  name: programName,
  help: `Usage: ${programName} [--host HOST] [-p PORT] [-v] [--dhparam PEM] NETID ACTION MESSAGE
       ${programName} [--host HOST] [-p PORT] [-v] [--dhparam PEM] --respond NETID

Agrees on a key with the responder of NETID (Diffie-Hellman, HKDF-SHA256), sends MESSAGE encrypted and signed (Fernet),
and prints the decrypted answer. Everything goes through a broker that can read none of it.

  NETID           namespace: the topics are NETID/key-exchange/request and .../response, and NETID/ACTION/request and
                  .../response. One or more topic levels, without + and #, not beginning with $
  ACTION          ${actionNames.join(', ')}
  MESSAGE         text, at most 64 KiB; '--' before one that begins with a dash
  --respond NETID be the responder, until SIGINT or SIGTERM
  --host HOST     broker (default localhost)
  -p, --port PORT (default 1884)
  -v, --verbose   each step on standard error
  --dhparam PEM   file with DH parameters, as 'openssl dhparam' writes; both ends need the same
                  (default: RFC 3526 group 16, 4096 bits)
  --print-dhparam prints the parameters that would be used, for the other end
  -W, --timeout S seconds to wait for the answer (default 10)

Who listens learns nothing of MESSAGE. Who can publish below NETID can pose as the responder: nothing here proves who
the other end is. Signed messages ('notarymq pub --identity') do.

Exit code 0: answered. 1: what came is of no use: another group, a wrong clock, refused by the broker.
2: wrong usage, no broker, no answer.`,
  run: async (args, output) => {
    const { values, positionals } = parseArguments(args, options)
    const timeoutSeconds = integerOption('-W', values.timeout, 1, longestTimeoutSeconds) as number
    const parameters = values.dhparam === undefined ? defaultDhParameters() : loadDhParameters(values.dhparam)
    if (values['print-dhparam']) {
      output.out(dhParametersPem(parameters).trimEnd())
      return exitCode.ok
    }
    const say = (line: string) => {
      if (values.verbose) output.error(line)
    }
    const work = values.respond === undefined ? questionOf(positionals) : responseTo(values.respond, positionals)
    const client = await connect({ host: values.host, port: values.port, 'protocol-version': 'mqttv5' })
    client.on('error', (error) => say(error.message))
    let hasFailed = true
    try {
      await work(client, { parameters, timeoutMs: timeoutSeconds * 1000, say }, output)
      hasFailed = false
      return exitCode.ok
    } finally {
      // Without force it would wait for acknowledgements that a lost broker never sends.
      await client.endAsync(hasFailed)
    }
  },
}

interface Settings {
  readonly parameters: DhParameters
  readonly timeoutMs: number
  readonly say: (line: string) => void
}

type Work = (client: MqttClient, settings: Settings, output: Output) => Promise<void>

/** @throws {ClientError} ERR_USAGE */
function questionOf([netId, action, message, ...more]: readonly string[]): Work {
  if (netId === undefined || action === undefined || message === undefined || more.length > 0) {
    throw usageError('NETID, ACTION and MESSAGE are needed, a MESSAGE with spaces in quotes')
  }
  checkNetId(netId)
  if (!isAction(action)) throw usageError(`no action ${action}; there are ${actionNames.join(', ')}`)
  if (Buffer.byteLength(message) > maxMessageBytes) throw usageError('the message is longer than 64 KiB')
  return async (client, settings, output) => {
    output.out(await askResponder(client, { ...settings, netId, action, message }))
  }
}

/** @throws {ClientError} ERR_USAGE */
function responseTo(netId: string, positionals: readonly string[]): Work {
  if (positionals.length > 0) throw usageError(`unexpected ${positionals[0]}: --respond takes requests, it makes none`)
  checkNetId(netId)
  return async (client, { parameters, say }, output) => {
    const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    const responder = await Responder.start(client, { netId, parameters, say })
    output.error(`${programName}: responding below ${netId}/`)
    await Promise.race([ended, responder.failed])
  }
}

const maxNetIdBytes = 256

/** @throws {ClientError} ERR_USAGE */
function checkNetId(netId: string): void {
  if (!isTopicName(netId) || netId.startsWith('$') || Buffer.byteLength(netId) > maxNetIdBytes) {
    throw usageError(`${netId} cannot begin a topic: no $ in front, no + or #, at most ${maxNetIdBytes} bytes`)
  }
}
