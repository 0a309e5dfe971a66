import { parseArgs } from 'node:util'
import { ConfigError, defaultOptions, formatConfigError, loadConfigFile } from '../config/index.ts'
import { createBroker, type NotaryBroker } from '../create-broker.ts'
import { describe } from '../describe.ts'
import { createLogger } from '../logger.ts'
import { type BrokerOptions, defaultLogTypes } from '../options.ts'
import { version } from '../version.ts'

export const brokerHelp = `Usage: notarymq [broker] [-c FILE] [-p PORT] [-v]

Starts the broker. Without -c: only for clients of this machine, on 127.0.0.1 and ::1, TCP port 1883 and WebSocket port
9001, data in ./notarymq-data.

  -c FILE                       configuration in the language of mosquitto.conf
  -p PORT                       TCP port to use instead of 1883
  -v                            log everything
      --help                    this text
      --version                 version of the program

Stops on SIGTERM and SIGINT: what was accepted is committed, the store closed. Exit codes are Mosquitto's: 0 ended as
asked, 3 wrong configuration, 1 anything else.`

/** Mosquitto's exit codes. */
const exit = { ok: 0, failure: 1, configuration: 3 } as const

/** Runs the broker until it is told to stop. @returns the exit code */
export async function runBroker(args: readonly string[]): Promise<number> {
  let options: BrokerOptions
  let configFile: string | undefined
  try {
    const { values } = parseArgs({ args: [...args], options: flags, strict: true })
    configFile = values.config
    const port = values.port === undefined ? undefined : portOf(values.port)
    options = configFile === undefined ? defaultOptions(port) : loadConfigFile(configFile, port)
    if (values.verbose)
      options = { ...options, log: { destination: options.log?.destination ?? 'stderr', types: ['all'] } }
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? formatConfigError(error) : `Error: ${describe(error)}`}\n`)
    return exit.configuration
  }
  const log = createLogger(options.log ?? { destination: 'stderr', types: defaultLogTypes })
  log.information(`notarymq version ${version} starting`)
  log.information(configFile === undefined ? 'Using default config.' : `Config loaded from ${configFile}.`)
  if (configFile === undefined) {
    log.information(
      'Starting in local only mode. Connections will only be possible from clients running on this machine.',
    )
  }
  if (options.anonymousAdmin) {
    log.warning(
      'Warning: anonymous clients of loopback TCP listeners are administrators. A proxy in front of one makes strangers administrators.',
    )
  }
  let broker: NotaryBroker
  try {
    broker = await createBroker(options)
  } catch (error) {
    log.error(`Error: ${describe(error)}`)
    return exit.failure
  }
  // Before the line that says so: whoever reads it may send a signal at once.
  const ended = endOf(broker, log.notice)
  log.information(`notarymq version ${version} running`)
  const end = await ended
  if (end === 'failed') {
    // Nothing may be answered any more: what was being written may be there or not. The next start finds out.
    log.error('Error: the store failed; ending so that a restart can find out what was written')
    return exit.failure
  }
  log.information(`notarymq version ${version} terminating`)
  try {
    await broker.close()
  } catch (error) {
    log.error(`Error: ${describe(error)}`)
    return exit.failure
  }
  return exit.ok
}

const flags = {
  config: { type: 'string', short: 'c' },
  port: { type: 'string', short: 'p' },
  verbose: { type: 'boolean', short: 'v' },
} as const

function portOf(text: string): number {
  const port = Number(text)
  if (!/^[0-9]+$/.test(text) || port < 1 || port > 65535) throw new Error(`Invalid port given (${text}).`)
  return port
}

/** Waits for a signal to stop, or for the store to fail. */
function endOf(broker: NotaryBroker, notice: (message: string) => void): Promise<'signal' | 'failed'> {
  // Mosquitto's meanings come with reloading; until then these must not end the broker or open a debugger.
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
    process.on(signal, () => notice(`${signal} has no effect in this version; restart to change the configuration.`))
  }
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('signal'))
    process.once('SIGINT', () => resolve('signal'))
    broker.failed.then(() => resolve('failed'))
  })
}
