import { ConfigError, formatConfigError } from '../config/index.ts'
import { describe } from '../describe.ts'
import { reloadingConfig } from '../log/messages.ts'
import type { BrokerLog } from '../logger.ts'
import type { NotaryBroker } from '../notary-broker.ts'
import type { BrokerOptions } from '../options.ts'

export interface SignalOptions {
  readonly broker: NotaryBroker
  readonly log: BrokerLog
  /** Reads the configuration again. @throws {ConfigError} any code; {Error} the command line is wrong */
  readonly readOptions: () => BrokerOptions
  /** Before and after a reload. */
  readonly onReload: (state: 'begins' | 'ended') => void
}

/**
 * Mosquitto's signals: HUP reads files again, USR1 saves, which is nothing to do here, USR2 prints the subscriptions.
 * @returns takes the handlers away again
 */
export function handleSignals({ broker, log, readOptions, onReload }: SignalOptions): () => void {
  const reload = async () => broker.reload(readOptions())
  const handlers = {
    SIGHUP: () => {
      log.notice(reloadingConfig)
      onReload('begins')
      reload()
        .then(() => log.notice('Config reloaded.'))
        .catch((error) => {
          // One mistake in a file must not open or close the broker: everything stays as it was.
          log.error(error instanceof ConfigError ? inOneLine(error) : `Error: ${describe(error)}`)
          log.error('Error: the configuration was not reloaded; the one before stays in force.')
        })
        .finally(() => onReload('ended'))
    },
    SIGUSR1: () => log.notice('SIGUSR1: nothing to save, everything that was accepted is on disk.'),
    SIGUSR2: () => {
      const lines = broker.describeSubscriptions()
      log.notice(`${lines.length} subscriptions:`)
      for (const line of lines) log.notice(`  ${line}`)
    },
  } as const
  for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler)
  return () => {
    for (const [signal, handler] of Object.entries(handlers)) process.off(signal, handler)
  }
}

function inOneLine(error: ConfigError): string {
  return formatConfigError(error).replaceAll('\n', ' ')
}
