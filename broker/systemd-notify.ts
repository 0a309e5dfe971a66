import { execFile } from 'node:child_process'
import { describe } from './describe.ts'

/**
 * Tells systemd how the service is. The socket that `NOTIFY_SOCKET` names takes unix datagrams, for which Node has no
 * API, so each message is a run of systemd's own `systemd-notify`; the unit has to say `NotifyAccess=all` for that.
 * Without `NOTIFY_SOCKET` nothing happens.
 */
export interface SystemdNotifier {
  /** Clients can connect. Begins to feed the watchdog where the unit has one. */
  ready(): Promise<void>
  /** The configuration is read anew; {@link ready} follows. */
  reloading(): Promise<void>
  stopping(): Promise<void>
  /** Ends the watchdog's messages. */
  stop(): void
}

export interface SystemdNotifierOptions {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where a failure is told of; the broker goes on. */
  readonly onError: (message: string) => void
  readonly command?: string
}

/** systemd waits 90 s for readiness; a helper that hangs is given up before. */
const commandTimeoutMs = 10_000

/** What the program that notifies is started with: nothing of our own environment is its business. */
function environmentOf({ NOTIFY_SOCKET, PATH }: Readonly<Record<string, string | undefined>>) {
  return { NOTIFY_SOCKET, PATH: PATH ?? '/usr/bin:/bin' }
}

export function createSystemdNotifier(options: SystemdNotifierOptions): SystemdNotifier {
  const { environment, onError, command = 'systemd-notify' } = options
  let last: Promise<void> = Promise.resolve()
  let watchdog: NodeJS.Timeout | undefined
  /** One after another: the messages of a reload must come in order. */
  const send = (...assignments: readonly string[]): Promise<void> => {
    if (environment.NOTIFY_SOCKET === undefined) return last
    last = last.then(
      () =>
        new Promise<void>((resolve) => {
          const settings = { env: environmentOf(environment), timeout: commandTimeoutMs }
          execFile(command, assignments, settings, (error) => {
            if (error !== null) onError(`Warning: ${command} ${assignments.join(' ')} failed: ${describe(error)}`)
            resolve()
          })
        }),
    )
    return last
  }
  const intervalMs = watchdogIntervalMs(environment)
  let isFeeding = false
  const feed = () => {
    // A message that takes long is not followed by a queue of further ones.
    if (isFeeding) return
    isFeeding = true
    send('WATCHDOG=1').finally(() => {
      isFeeding = false
    })
  }
  const stop = () => {
    clearInterval(watchdog)
    watchdog = undefined
  }
  return {
    ready: () => {
      if (intervalMs !== undefined) watchdog ??= setInterval(feed, intervalMs).unref()
      return send(`MAINPID=${process.pid}`, 'READY=1')
    },
    // The time is systemd's CLOCK_MONOTONIC, which is what hrtime reads.
    reloading: () => send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => {
      stop()
      return send('STOPPING=1')
    },
    stop,
  }
}

/** Half of what systemd waits, as sd_watchdog_enabled(3) advises. @returns undefined without a watchdog */
export function watchdogIntervalMs(environment: Readonly<Record<string, string | undefined>>): number | undefined {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = environment
  if (NOTIFY_SOCKET === undefined || WATCHDOG_USEC === undefined || !/^[1-9][0-9]{0,15}$/.test(WATCHDOG_USEC)) {
    return undefined
  }
  // It may be meant for a process above this one.
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return undefined
  return Math.min(Math.max(Math.floor(Number(WATCHDOG_USEC) / 2000), 1), 0x7fff_ffff)
}
