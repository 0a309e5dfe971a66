import { setTimeout as sleep } from 'node:timers/promises'
import { ed25519NoteVerifier, nobleCrypto, parseVerifierKey } from '../../protocol/index.ts'
import { forkInTiles } from '../watch/fork-in-tiles.ts'
import type { CheckedBy, GrowthCheck } from '../watch/growth-check.ts'
import { HttpLog, type RemoteLog } from '../watch/http-log.ts'
import { type FindFork, LeavesCheck } from '../watch/leaves-check.ts'
import { LogWatcher } from '../watch/log-watcher.ts'
import { ProofsCheck } from '../watch/proofs-check.ts'
import { WatchState } from '../watch/watch-state.ts'
import { flagsOfUrl, isBrokerUrl } from './broker-url.ts'
import { integerOption, type Output, parseArguments, usageError } from './command.ts'
import { readGivenFile } from './given-file.ts'
import { MqttLog } from './mqtt-log.ts'
import { readVkeys } from './verifier-keys.ts'
import { Watch, type WatchEvent } from './watch-loop.ts'

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
    by: { type: 'string' },
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
  const intervalMs = seconds('--interval', values.interval) * 1000
  const { log, growth } = openLog(target, values)
  const state = new WatchState(values.state)
  const known = state.read(verifiers, nobleCrypto)
  const watch = new Watch({
    watcher: new LogWatcher({ log, growth, verifiers, ...(known === undefined ? {} : { known }) }),
    state,
    known,
    isOnce: values.once === true,
    maxSilenceMs: seconds('--max-silence', values['max-silence']) * 1000,
    maxAgeMs:
      values['max-age'] === undefined ? Number.POSITIVE_INFINITY : seconds('--max-age', values['max-age']) * 1000,
    tell: values.json
      ? (event) => output.out(JSON.stringify(event))
      : tellInWords(output, values.verbose === true || values.once === true),
  })
  try {
    for (;;) {
      const code = await watch.step()
      if (code !== undefined) return code
      await sleep(intervalMs)
    }
  } finally {
    await log.close()
  }
}

/** @param isVerbose tells every tree, and not only the first one and those that are checked in another way */
function tellInWords(output: Output, isVerbose: boolean): (event: WatchEvent) => void {
  let toldBy: CheckedBy | undefined
  return (event) => {
    if (event.event === 'alarm') output.out(`ALARM: ${event.cause}: ${event.what}. Kept in ${event.evidence}`)
    else if (event.event === 'unreachable') output.error(`warning: ${event.what}`)
    else if (isVerbose || event.by !== toldBy) {
      toldBy = event.by
      output.out(`ok: ${event.treeSize} records, root ${event.rootHash}, by ${event.by}`)
    }
  }
}

interface LogFlags {
  readonly by?: string | undefined
  readonly cafile?: string | undefined
  readonly username?: string | undefined
  readonly pw?: string | undefined
}

interface OpenedLog {
  readonly log: RemoteLog
  readonly growth: GrowthCheck
}

/** @throws {ClientError} ERR_USAGE */
function openLog(target: string, { by, cafile, username, pw }: LogFlags): OpenedLog {
  if (by !== undefined && by !== 'leaves' && by !== 'proofs') throw usageError('--by takes leaves or proofs')
  if (isBrokerUrl(target)) return overMqtt(new MqttLog({ ...flagsOfUrl(target, cafile), username, pw }), by)
  if (by === 'proofs')
    throw usageError('--by proofs is for mqtt:// and mqtts://: over HTTP everybody may read the leaves')
  const ca = cafile === undefined ? {} : { ca: readGivenFile(cafile).toString('utf8') }
  const log = new HttpLog(prefixOf(target), { timeoutMs: requestTimeoutMs, ...ca })
  return { log, growth: new LeavesCheck({ log, crypto: nobleCrypto, findFork: forkInTiles(log, nobleCrypto) }) }
}

/** @param by undefined: leaves, where the broker shows them to this client */
function overMqtt(log: MqttLog, by: CheckedBy | undefined): OpenedLog {
  const proofs = new ProofsCheck(log, nobleCrypto)
  if (by === 'proofs') return { log, growth: proofs }
  const findFork: FindFork = (known, newer) => proofs.findFork(known, newer)
  const leaves = new LeavesCheck({ log, crypto: nobleCrypto, findFork })
  if (by === 'leaves') return { log, growth: leaves }
  let allowed: GrowthCheck | undefined
  const follow: GrowthCheck['follow'] = async (known, newer) => {
    allowed ??= (await log.mayReadLeaves()) ? leaves : proofs
    return allowed.follow(known, newer)
  }
  return { log, growth: { follow } }
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
