import { parseArgs } from 'node:util'
import { type PeerName, peerNames } from './peers/peer.ts'
import { load, type WorkloadName } from './workload.ts'

export const usage = `npm run bench -- [options]

Measures NotaryMQ beside Mosquitto and plain Aedes on this machine, in one interleaved run:
${load.publishers} publishers, ${load.payloadBytes}-byte payloads, QoS 1, at most ${load.window} unacknowledged each, one QoS 0 subscriber, all on 127.0.0.1.

  --messages N     messages per variant and round, all publishers together (default 20000, at most 1000000)
  --rounds N       measured rounds after one warm-up round (default 5, at most 50; fewer than 5 is a trial)
  --only WORKLOAD  unsigned or signed (default both; signed runs against NotaryMQ only)
  --peers LIST     of ${peerNames.join(',')} (default all)
  --json FILE      where the JSON goes (default bench-results/<timestamp>.json)
  --dir DIR        parent of the temporary data directory (default bench-results; a disk, or fsync costs nothing)
  --help           this text

Exit codes: 0 every variant has a result, 1 a variant has none (messages lost, duplicated or out of order, or a broker
that did not start), 2 usage. The table goes to standard output, progress to standard error.
`

export interface BenchOptions {
  messagesPerPublisher: number
  rounds: number
  workloads: WorkloadName[]
  peers: PeerName[]
  json: string | undefined
  directory: string | undefined
}

export class UsageError extends Error {}

/** @throws {UsageError} */
export function parseArguments(args: string[]): BenchOptions | 'help' {
  const values = parseFlags(args)
  if (values.help === true) return 'help'
  const only = values.only
  if (only !== undefined && only !== 'unsigned' && only !== 'signed') {
    throw new UsageError('--only takes unsigned or signed')
  }
  const peers = (values.peers?.split(',') ?? [...peerNames]).map((name) => {
    const known = peerNames.find((candidate) => candidate === name)
    if (known === undefined) throw new UsageError(`--peers takes names of ${peerNames.join(', ')}`)
    return known
  })
  const messages = integerBetween('--messages', values.messages ?? '20000', load.publishers, 1_000_000)
  return {
    messagesPerPublisher: Math.floor(messages / load.publishers),
    rounds: integerBetween('--rounds', values.rounds ?? '5', 1, 50),
    workloads: only === undefined ? ['unsigned', 'signed'] : [only],
    peers: [...new Set(peers)],
    json: values.json,
    directory: values.dir,
  }
}

function parseFlags(args: string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args,
      options: {
        messages: text,
        rounds: text,
        only: text,
        peers: text,
        json: text,
        dir: text,
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function integerBetween(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${flag} takes a whole number from ${min} to ${max}`)
  }
  return value
}
