import { parseArgs } from 'node:util'
import { type PeerName, peerNames } from './peers/peer.ts'
import { minMessages, type RowName, rowNames, rowOf } from './rows.ts'
import { load } from './workload.ts'

const widestName = Math.max(...rowNames.map((name) => name.length))

/** A list of rows for a terminal: names, then what is done, broken at spaces. */
function describeRows(): string {
  const indent = 2 + widestName + 2
  return rowNames
    .map((name) => {
      const lines = ['']
      for (const word of rowOf(name).about.split(' ')) {
        const line = lines.at(-1) ?? ''
        if (indent + line.length + word.length + 1 > 118) lines.push(word)
        else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
      }
      return `  ${name.padEnd(widestName + 2)}${lines.join(`\n${' '.repeat(indent)}`)}`
    })
    .join('\n')
}

export const defaultMessages = 20_000

export const usage = `npm run bench -- [options]

Measures NotaryMQ beside Mosquitto and plain Aedes on this machine, in one interleaved run, unless a row says otherwise with
${load.publishers} publishers, ${load.payloadBytes}-byte payloads, QoS 1, at most ${load.window} unacknowledged each, MQTT 3.1.1, all on 127.0.0.1.

  --only LIST      of the rows below, separated by commas (default all)
  --messages N     messages per variant and round, all publishers together (default ${defaultMessages}, ${minMessages} to 200000); the rows scale with it
  --rounds N       measured rounds after one warm-up round (default 5, at most 50; fewer than 5 is a trial)
  --peers LIST     of ${peerNames.join(',')} (default all)
  --json FILE      where the JSON goes (default bench-results/<timestamp>.json)
  --dir DIR        parent of the temporary data directory (default bench-results; a disk, or fsync costs nothing)
  --help           this text

Rows:
${describeRows()}

Exit codes: 0 every variant has a result, 1 a variant has none (messages lost, duplicated or out of order, or a broker
that did not start or did not stay), 2 usage. The tables go to standard output, progress to standard error.
`

export interface BenchOptions {
  /** Per variant and round, all publishers together; what a row makes of it says its `size`. */
  messages: number
  rounds: number
  rows: RowName[]
  peers: PeerName[]
  json: string | undefined
  directory: string | undefined
}

export class UsageError extends Error {}

/** @throws {UsageError} */
export function parseArguments(args: string[]): BenchOptions | 'help' {
  const values = parseFlags(args)
  if (values.help === true) return 'help'
  return {
    messages: integerBetween('--messages', values.messages ?? `${defaultMessages}`, minMessages, 200_000),
    rounds: integerBetween('--rounds', values.rounds ?? '5', 1, 50),
    rows: listOf('--only', values.only, rowNames),
    peers: listOf('--peers', values.peers, peerNames),
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

/** All known names when the flag is absent; each once, in the order of the known ones. */
function listOf<Name extends string>(flag: string, text: string | undefined, known: readonly Name[]): Name[] {
  if (text === undefined) return [...known]
  const wanted = new Set(text.split(','))
  const names = known.filter((name) => wanted.delete(name))
  if (wanted.size > 0) throw new UsageError(`${flag} takes names of ${known.join(', ')}`)
  return names
}

function integerBetween(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new UsageError(`${flag} takes a whole number from ${min} to ${max}`)
  }
  return value
}
