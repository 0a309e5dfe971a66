import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { integerOption, usageError } from '../command.ts'

/** Flags that say what to publish; those of mosquitto_pub. */
export const payloadOptions = {
  message: { type: 'string', short: 'm' },
  file: { type: 'string', short: 'f' },
  'null-message': { type: 'boolean', short: 'n' },
  'stdin-file': { type: 'boolean', short: 's' },
} as const

/** Those that make several messages. */
export const repeatOptions = {
  'stdin-line': { type: 'boolean', short: 'l' },
  repeat: { type: 'string' },
  'repeat-delay': { type: 'string' },
} as const

export const payloadHelp = `  -m, --message TEXT            payload
  -f, --file FILE               payload from a file ('-': standard input)
  -s, --stdin-file              payload from standard input, all of it
  -n, --null-message            no payload; with -r it clears a retained message`

export const repeatHelp = `  -l, --stdin-line              a message for each line of standard input
      --repeat N                publish N times, --repeat-delay SECONDS between them`

export interface PayloadFlags {
  readonly message?: string | undefined
  readonly file?: string | undefined
  readonly 'null-message'?: boolean | undefined
  readonly 'stdin-file'?: boolean | undefined
  readonly 'stdin-line'?: boolean | undefined
  readonly repeat?: string | undefined
  readonly 'repeat-delay'?: string | undefined
}

const mostRepeats = 1_000_000_000

/** The one payload that the flags give. @throws {ClientError} ERR_USAGE */
export function payloadOf(flags: PayloadFlags): Uint8Array {
  const given = [flags.message, flags.file, flags['null-message'], flags['stdin-file'], flags['stdin-line']]
  const count = given.filter((flag) => flag !== undefined).length
  if (count === 0) throw usageError('what to publish? -m, -f, -l, -n or -s')
  if (count > 1) throw usageError('only one of -m, -f, -l, -n and -s')
  if (flags.message !== undefined) return Buffer.from(flags.message)
  if (flags['null-message']) return new Uint8Array(0)
  const file = flags.file ?? '-'
  try {
    return readFileSync(file === '-' ? 0 : file)
  } catch (cause) {
    throw usageError(`cannot read ${file === '-' ? 'standard input' : file}`, cause)
  }
}

/** All payloads, one after the other, when they are due. @throws {ClientError} ERR_USAGE, before the first one */
export function payloadsOf(flags: PayloadFlags): AsyncIterable<Uint8Array> {
  const repeat = integerOption('--repeat', flags.repeat, 1, mostRepeats) ?? 1
  const delayMs = secondsOption('--repeat-delay', flags['repeat-delay'])
  if (flags['stdin-line'] !== true) return repeated(payloadOf(flags), repeat, delayMs)
  if (flags.repeat !== undefined) throw usageError('--repeat does not go with -l')
  if (flags.message !== undefined || flags.file !== undefined || flags['null-message'] || flags['stdin-file']) {
    throw usageError('only one of -m, -f, -l, -n and -s')
  }
  return lines()
}

async function* repeated(payload: Uint8Array, times: number, delayMs: number): AsyncIterable<Uint8Array> {
  for (let i = 0; i < times; i++) {
    if (i > 0 && delayMs > 0) await sleep(delayMs)
    yield payload
  }
}

async function* lines(): AsyncIterable<Uint8Array> {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    yield Buffer.from(line)
  }
}

/** @returns milliseconds, 0 without the option @throws {ClientError} ERR_USAGE */
export function secondsOption(name: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) > 2_000_000)
    throw usageError(`${name} is a number of seconds, not ${text}`)
  return Number(text) * 1000
}
