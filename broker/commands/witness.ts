import { flagsOfUrl, readLogins } from '../../clients/cli/broker-url.ts'
import {
  type Command,
  exitCode,
  integerOption,
  type Output,
  parseOptions,
  usageError,
} from '../../clients/cli/command.ts'
import { nativeCrypto, openWitnessIdentity, Witness, type WitnessEvent, WitnessState } from '../../plugins/index.ts'
import { ed25519NoteVerifier, type NoteVerifier, noteKeyType, parseVerifierKey } from '../../protocol/index.ts'
import { describe } from '../describe.ts'
import { openWitnessServer } from '../http/witness-server.ts'
import { witnessOverMqtt } from './witness-over-mqtt.ts'

export const witnessCommand: Command = {
  name: 'witness',
  help: `Usage: notarymq witness [-p PORT [--bind ADDRESS]] [--url URL ...] --key FILE --db DIR --log VKEY [--log VKEY ...]
                        [--name NAME]

Runs a witness (C2SP tlog-witness) in this process, until SIGTERM or SIGINT: it cosigns a checkpoint of a log that it
follows when the tree extends the one that it cosigned before, and never anything else. Logs send checkpoints to
http://ADDRESS:PORT/add-checkpoint; put a TLS proxy in front of it where it can be reached from outside. With --url it
fetches them itself, from the broker of a log, and gives the cosignatures back over MQTT.
docs/witnesses.md says what a witness proves.

  -p, --port PORT               TCP port; 0 takes a free one
      --bind ADDRESS            default 127.0.0.1
      --url URL                 mqtt://HOST[:PORT] or mqtts://HOST[:PORT] of a broker; repeatable
      --cafile FILE             authorities of the certificates of mqtts:// brokers, PEM
      --login-file FILE         lines of URL USERNAME PASSWORD, for brokers that ask; else NOTARYMQ_LOGIN
      --key FILE                Ed25519 key of the witness, PEM, made at the first start; FILE.vkey is for the logs
      --db DIR                  what was cosigned; belongs to the key and must never be set back
      --log VKEY                verifier key of a log that is followed (keys/log.vkey of a broker); repeatable
      --name NAME               name of the witness, as a URL without scheme; default: made from the key

Exit codes: 0 ended as asked; 2 usage, or the store cannot be used.`,
  run: async (args, output) => {
    const values = parseOptions(args, {
      port: { type: 'string', short: 'p' },
      bind: { type: 'string' },
      url: { type: 'string', multiple: true },
      cafile: { type: 'string' },
      'login-file': { type: 'string' },
      key: { type: 'string' },
      db: { type: 'string' },
      log: { type: 'string', multiple: true },
      name: { type: 'string' },
    })
    const port = integerOption('--port', values.port, 0, 65_535)
    const { key, db, bind, name, log: vkeys = [] } = values
    const logins = readLogins(values['login-file'])
    const brokers = (values.url ?? []).map((url) => ({ ...flagsOfUrl(url, values.cafile), ...logins.get(url) }))
    // A URL that is written in another way would go without its login.
    if ([...logins.keys()].some((url) => !values.url?.includes(url))) {
      throw usageError('there is a login for a URL that is no --url as it is written')
    }
    if (port === undefined && brokers.length === 0) throw usageError('--port or --url is needed')
    if (key === undefined) throw usageError('--key is needed')
    if (db === undefined) throw usageError('--db is needed')
    if (vkeys.length === 0) throw usageError('--log is needed')
    const logs = vkeys.map(logVerifier)
    // Before anything is said: whoever reads it may send a signal at once.
    const stopped = stopSignal()
    const witness = await openWitness({ key, db, name, logs }, output)
    try {
      const onError = (error: unknown) => output.error(`Error: ${describe(error)}`)
      const server = port === undefined ? undefined : await openWitnessServer({ port, host: bind, witness, onError })
      if (server !== undefined) output.out(`witness listening on ${server.url}`)
      const stop = new AbortController()
      const { signal } = stop
      const followed = brokers.map((flags) => witnessOverMqtt({ witness, flags, signal, onTrouble: output.error }))
      const failure = await Promise.race([stopped, witness.failed])
      stop.abort()
      await Promise.allSettled([server?.close(), ...followed])
      if (failure !== undefined)
        output.error(`Error: ${describe(failure)}; ending, so that a start finds out what is stored`)
      return failure === undefined ? exitCode.ok : exitCode.usage
    } finally {
      await witness.close()
    }
  },
}

interface WitnessFiles {
  readonly key: string
  readonly db: string
  readonly name: string | undefined
  readonly logs: readonly NoteVerifier[]
}

async function openWitness({ key, db, name, logs }: WitnessFiles, output: Output): Promise<Witness> {
  const state = await WitnessState.open(db)
  try {
    const identity = await openWitnessIdentity(key, name, state)
    output.out(`witness vkey ${identity.vkey}`)
    const onEvent = (event: WitnessEvent) => report(event, output)
    return new Witness({ identity, state, logs, crypto: nativeCrypto, now: Date.now, onEvent })
  } catch (error) {
    await state.close()
    throw error
  }
}

function report({ kind, origin, treeSize }: WitnessEvent, output: Output): void {
  if (kind === 'cosigned') output.out(`cosigned ${origin} ${treeSize}`)
  else output.error(`ALARM: ${origin} signed another tree of size ${treeSize} than the one that was cosigned`)
}

/** @throws {ClientError} ERR_USAGE; {NoteError} ERR_NOTE_KEY_INVALID */
function logVerifier(vkey: string): NoteVerifier {
  const key = parseVerifierKey(vkey.trim(), nativeCrypto)
  if (key.type !== noteKeyType.ed25519) throw usageError('--log takes an Ed25519 key of a log')
  return ed25519NoteVerifier(key, nativeCrypto)
}

function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve(undefined))
    process.once('SIGINT', () => resolve(undefined))
  })
}
