import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ed25519NoteVerifier, nobleCrypto, parseVerifierKey } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { HttpLog, type RemoteLog } from '../watch/http-log.ts'
import { LogWatcher, WatchAlarm, watchAlarms } from '../watch/log-watcher.ts'
import { type KeptTree, WatchState } from '../watch/watch-state.ts'
import { flagsOfUrl, isBrokerUrl } from './broker-url.ts'
import { exitCode, integerOption, type Output, parseArguments, usageError } from './command.ts'
import { MqttLog } from './mqtt-log.ts'
import { readVkeys } from './verifier-keys.ts'

const requestTimeoutMs = 30_000
/** About a year, in seconds. */
const longest = 31_536_000

/**
 * `audit watch URL`: looks at a log over HTTP or MQTT, again and again, and demands that it only grows.
 * @returns 0 after `--once` when all is well; 1 with an alarm
 */
export async function auditWatch(args: readonly string[], output: Output): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    vkey: { type: 'string', multiple: true },
    state: { type: 'string', default: 'notarymq-watch' },
    interval: { type: 'string', default: '10' },
    'max-silence': { type: 'string', default: '300' },
    'max-age': { type: 'string' },
    cafile: { type: 'string' },
    username: { type: 'string', short: 'u' },
    pw: { type: 'string', short: 'P' },
    once: { type: 'boolean' },
    verbose: { type: 'boolean', short: 'v' },
    json: { type: 'boolean' },
  })
  const [target, ...others] = positionals
  if (target === undefined || others.length > 0) throw usageError('audit watch takes one URL')
  if (values.vkey === undefined) throw usageError('--vkey is needed: whose log it is')
  const vkeys = readVkeys(values.vkey)
  const verifiers = vkeys.map((vkey) => ed25519NoteVerifier(parseVerifierKey(vkey, nobleCrypto), nobleCrypto))
  const state = new WatchState(values.state)
  const known = state.read(verifiers, nobleCrypto)
  const log = openLog(target, values)
  const watch = new Watch({
    watcher: new LogWatcher({ log, verifiers, crypto: nobleCrypto, ...(known === undefined ? {} : { known }) }),
    state,
    known,
    isOnce: values.once === true,
    maxSilenceMs: seconds('--max-silence', values['max-silence']) * 1000,
    maxAgeMs:
      values['max-age'] === undefined ? Number.POSITIVE_INFINITY : seconds('--max-age', values['max-age']) * 1000,
    tell: (event) => {
      if (values.json) output.out(JSON.stringify(event))
      else if (event.event === 'alarm') output.out(`ALARM: ${event.cause}: ${event.what}. Kept in ${event.evidence}`)
      else if (event.event === 'unreachable') output.error(`warning: ${event.what}`)
      else if (values.verbose || values.once) output.out(`ok: ${event.treeSize} records, root ${event.rootHash}`)
    },
  })
  try {
    for (;;) {
      const code = await watch.step()
      if (code !== undefined) return code
      await sleep(seconds('--interval', values.interval) * 1000)
    }
  } finally {
    await log.close()
  }
}

interface LogFlags {
  readonly cafile?: string | undefined
  readonly username?: string | undefined
  readonly pw?: string | undefined
}

/** @throws {ClientError} ERR_USAGE */
function openLog(target: string, { cafile, username, pw }: LogFlags): RemoteLog {
  if (isBrokerUrl(target)) return new MqttLog({ ...flagsOfUrl(target, cafile), username, pw })
  const ca = cafile === undefined ? {} : { ca: readFileSync(cafile, 'utf8') }
  return new HttpLog(prefixOf(target), { timeoutMs: requestTimeoutMs, ...ca })
}

function seconds(name: string, text: string): number {
  return integerOption(name, text, 1, longest) as number
}

/** @throws {ClientError} ERR_USAGE */
function prefixOf(target: string): URL {
  if (!URL.canParse(target)) throw usageError('not a URL')
  const url = new URL(target.endsWith('/') ? target : `${target}/`)
  if (!['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw usageError('audit watch takes the http or https URL that the paths of the log follow, or mqtt://HOST[:PORT]')
  }
  return url
}

/** What is told of a look. */
type WatchEvent =
  | { readonly event: 'checkpoint'; readonly treeSize: number; readonly rootHash: string }
  | { readonly event: 'unreachable'; readonly what: string }
  | { readonly event: 'alarm'; readonly cause: string; readonly what: string; readonly evidence: string }

interface WatchOptions {
  readonly watcher: LogWatcher
  readonly state: WatchState
  readonly known: KeptTree | undefined
  readonly isOnce: boolean
  readonly maxSilenceMs: number
  readonly maxAgeMs: number
  readonly tell: (event: WatchEvent) => void
}

/** One look after the other: what was found is kept before it is told. */
class Watch {
  readonly #options: WatchOptions
  #kept: KeptTree | undefined
  #heardMs = Date.now()

  constructor(options: WatchOptions) {
    this.#options = options
    this.#kept = options.known
  }

  /** @returns the exit code, or undefined to go on */
  async step(): Promise<number | undefined> {
    const { isOnce, state, tell } = this.#options
    try {
      await this.#look()
      return isOnce ? exitCode.ok : undefined
    } catch (error) {
      if (!(error instanceof WatchAlarm)) throw error
      const evidence = state.keepEvidence(error, Date.now())
      tell({ event: 'alarm', cause: error.cause, what: watchAlarms[error.cause], evidence })
      return exitCode.no
    }
  }

  async #look(): Promise<void> {
    const { watcher, state, isOnce, maxSilenceMs, maxAgeMs, tell } = this.#options
    try {
      const tree = await watcher.look()
      this.#heardMs = Date.now()
      if (tree.frontier.size !== this.#kept?.frontier.size) {
        this.#kept = { ...tree, sinceMs: this.#heardMs }
        state.write(this.#kept)
        this.#tellTree()
      } else if (isOnce) this.#tellTree()
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'ERR_LOG_UNREACHABLE' || isOnce) throw error
      tell({ event: 'unreachable', what: error.message })
      if (Date.now() - this.#heardMs > maxSilenceMs) throw new WatchAlarm('unreachable', this.#kept?.note)
    }
    if (this.#kept !== undefined && Date.now() - this.#kept.sinceMs > maxAgeMs) {
      throw new WatchAlarm('stale', this.#kept.note)
    }
  }

  #tellTree(): void {
    const [, size = '', root = ''] = this.#kept?.note.split('\n') ?? []
    this.#options.tell({ event: 'checkpoint', treeSize: Number(size), rootHash: root })
  }
}
