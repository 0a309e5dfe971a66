import { parseArgs } from 'node:util'
import {
  ConfigError,
  type ConfigLine,
  changesForRestart,
  configErrorExitCode,
  defaultOptions,
  formatConfigError,
  type LoadedConfig,
  loadConfigFile,
  missingFiles,
} from '../config/index.ts'
import { createBroker } from '../create-broker.ts'
import { describe } from '../describe.ts'
import {
  atNextStart,
  configLoaded,
  localOnlyHint,
  localOnlyMode,
  running,
  starting,
  terminating,
  usingDefaultConfig,
} from '../log/messages.ts'
import { type BrokerLog, createLogger } from '../logger.ts'
import type { NotaryBroker } from '../notary-broker.ts'
import { type BrokerOptions, defaultLog } from '../options.ts'
import { giveUpRoot } from '../process/become-user.ts'
import { openDataDirectory } from '../process/data-directory.ts'
import { writePidFile } from '../process/pid-file.ts'
import { handleSignals } from '../process/signals.ts'
import { createSystemdNotifier } from '../systemd-notify.ts'
import { version } from '../version.ts'

export const brokerHelp = `Usage: notarymq [broker] [-c FILE] [-p PORT] [-v | -q] [--test-config]

Starts the broker. Without -c: only for clients of this machine, on 127.0.0.1 and ::1, TCP port 1883 and WebSocket port
9001, data in ./notarymq-data.

  -c FILE                       configuration in the language of mosquitto.conf
  -p PORT                       TCP port to use instead of 1883
  -v                            log everything
  -q                            log nothing
      --test-config             check the configuration, start nothing ('notarymq check-config' says more)
  -h, --help                    this text
      --version                 version of the program

SIGTERM and SIGINT stop it: what was accepted is committed, the store closed. SIGHUP reads the configuration and the
files that it names again and opens log files anew; the log says what takes a restart. SIGUSR2 logs the subscriptions.
Exit codes are Mosquitto's: 0 ended as
asked, 3 wrong configuration, 13 password_file or acl_file that cannot be used, 1 anything else.`

/** Mosquitto's exit codes. */
const exit = { ok: 0, failure: 1, configuration: configErrorExitCode, security: 13 } as const

/** Runs the broker until it is told to stop. @returns the exit code */
export async function runBroker(args: readonly string[]): Promise<number> {
  let given: Given
  try {
    given = readArguments(args)
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? formatConfigError(error) : `Error: ${describe(error)}`}\n`)
    return error instanceof ConfigError ? error.exitCode : exit.configuration
  }
  const { options, configFile, warnings, isLocalOnly, mode } = given
  if (mode === 'help') process.stdout.write(`${brokerHelp}\n`)
  if (mode !== 'run') return exit.ok
  let rootWarning: string | undefined
  try {
    // Before the log: its files have to be those of the user that writes them.
    const { user, location } = options
    rootWarning = giveUpRoot({ user, location, hasConfiguration: configFile !== undefined })
  } catch (error) {
    process.stderr.write(`Error: ${describe(error)}\n`)
    return exit.failure
  }
  const log = createLogger(options.log ?? defaultLog)
  log.information(starting(version))
  log.information(configFile === undefined ? usingDefaultConfig : configLoaded(configFile))
  if (rootWarning !== undefined) log.warning(rootWarning)
  for (const warning of warnings) log.warning(warning)
  if (isLocalOnly) {
    log.information(localOnlyMode)
    log.information(localOnlyHint)
  }
  if (options.anonymousAdmin) {
    log.warning(
      'Warning: anonymous clients of loopback TCP listeners are administrators. A proxy in front of one makes strangers administrators.',
    )
  }
  let broker: NotaryBroker
  let removePidFile: (() => void) | undefined
  try {
    openDataDirectory(options.location)
    broker = await createBroker(options, log)
    try {
      if (options.pidFile !== undefined) removePidFile = writePidFile(options.pidFile, log.warning)
    } catch (error) {
      await broker.close()
      throw error
    }
  } catch (error) {
    log.error(`Error: ${describe(error)}`)
    return exitCodeOf(error)
  }
  const systemd = createSystemdNotifier({ environment: process.env, onError: log.warning })
  const readOptions = () => readAgain(args, given.lines, log)
  const onReload = (state: 'begins' | 'ended') => void (state === 'begins' ? systemd.reloading() : systemd.ready())
  // Before the line that says so: whoever reads it may send a signal at once.
  const ignoreSignals = handleSignals({ broker, log, readOptions, onReload })
  const ended = endOf(broker)
  log.information(running(version))
  void systemd.ready()
  const end = await ended
  void systemd.stopping()
  systemd.stop()
  try {
    if (end === 'failed') {
      // Nothing may be answered any more: what was being written may be there or not. The next start finds out.
      log.error('Error: the store failed; ending so that a restart can find out what was written')
      return exit.failure
    }
    log.information(terminating(version))
    await broker.close()
    return exit.ok
  } catch (error) {
    log.error(`Error: ${describe(error)}`)
    return exit.failure
  } finally {
    removePidFile?.()
    ignoreSignals()
    await log.close()
  }
}

/**
 * The configuration as it is now.
 * @param started the lines of the one that the broker was started with
 * @throws {ConfigError} any code
 */
function readAgain(args: readonly string[], started: readonly ConfigLine[], log: BrokerLog): BrokerOptions {
  const { options, warnings, lines } = readArguments(args)
  for (const warning of warnings) log.warning(warning)
  const waiting = changesForRestart(started, lines)
  if (waiting.length > 0) log.warning(atNextStart(waiting))
  return options
}

const flags = {
  config: { type: 'string', short: 'c' },
  port: { type: 'string', short: 'p' },
  verbose: { type: 'boolean', short: 'v' },
  quiet: { type: 'boolean', short: 'q' },
  'test-config': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  daemon: { type: 'boolean', short: 'd' },
  'tls-keylog': { type: 'string' },
} as const

/** What the command line and the configuration say. */
interface Given extends LoadedConfig {
  readonly configFile: string | undefined
  readonly mode: 'run' | 'test' | 'help'
}

/** @throws {ConfigError} any code of a configuration; @throws {Error} the command line is wrong */
function readArguments(args: readonly string[]): Given {
  const { values } = parseArgs({ args: [...args], options: flags, strict: true })
  if (values.daemon === true) throw new Error('-d is not supported: let a service manager run it in the foreground.')
  if (values['tls-keylog'] !== undefined) throw new Error('--tls-keylog is not supported: keys are never written down.')
  const { config: configFile } = values
  if (values.help === true) return { ...defaultConfig(undefined), configFile, mode: 'help' }
  const port = values.port === undefined ? undefined : portOf(values.port)
  const loaded = configFile === undefined ? defaultConfig(port) : loadWithFiles(configFile, port)
  const type = values.verbose === true ? 'all' : values.quiet === true ? 'none' : undefined
  const { log = defaultLog } = loaded.options
  const options: BrokerOptions =
    type === undefined ? loaded.options : { ...loaded.options, log: { ...log, types: [type] } }
  return { ...loaded, options, configFile, mode: values['test-config'] === true ? 'test' : 'run' }
}

function defaultConfig(port: number | undefined): LoadedConfig {
  return { options: defaultOptions(port), warnings: [], isLocalOnly: true, lines: [] }
}

/** Who reads the files they name knows no lines any more; here a file that is missing is still one of a line. */
function loadWithFiles(path: string, port: number | undefined): LoadedConfig {
  const loaded = loadConfigFile(path, port)
  const [missing] = missingFiles(loaded.lines)
  if (missing !== undefined) throw missing
  return loaded
}

/** Mosquitto ends with 13 where it cannot use its password or access control file (run). */
function exitCodeOf(error: unknown): number {
  const isSecurity = error instanceof Error && 'code' in error && /^ERR_(PASSWORD|ACL)_/.test(`${error.code}`)
  return isSecurity ? exit.security : exit.failure
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^[0-9]+$/.test(text) || port < 1 || port > 65535) throw new Error(`Invalid port given (${text}).`)
  return port
}

/** Waits for a signal to stop, or for the store to fail. */
function endOf(broker: NotaryBroker): Promise<'signal' | 'failed'> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('signal'))
    process.once('SIGINT', () => resolve('signal'))
    broker.failed.then(() => resolve('failed'))
  })
}
