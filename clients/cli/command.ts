import { type ParseArgsConfig, parseArgs } from 'node:util'
import { ClientError } from '../errors.ts'

/** Exit codes of every command but the broker, which has Mosquitto's. */
export const exitCode = { ok: 0, no: 1, usage: 2 } as const

/** Where a command writes; tests pass their own. */
export interface Output {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
}

export const standardOutput: Output = {
  out: (text) => process.stdout.write(`${text}\n`),
  error: (text) => process.stderr.write(`${text}\n`),
}

/** Runs a command. @returns the exit code */
export type RunsCommand = (args: readonly string[], output: Output) => Promise<number>

/** One command of the binary. */
export interface Command {
  readonly name: string
  readonly help: string
  readonly run: RunsCommand
}

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>

/** What a command throws that was called in a wrong way. */
export function usageError(what: string, cause?: unknown): ClientError {
  return new ClientError('ERR_USAGE', what, {}, cause)
}

/**
 * `parseArgs` whose complaints are usage errors.
 * @param takesKid a word that is not an option may be a kid, and begin with a dash
 * @throws {ClientError} ERR_USAGE
 */
export function parseArguments<const T extends Options>(
  args: readonly string[],
  options: T,
  takesKid = false,
): Parsed<T> {
  try {
    return parseArgs({ args: joinValues(args, options, takesKid), options, allowPositionals: true, strict: true })
  } catch (cause) {
    throw new ClientError('ERR_USAGE', cause instanceof Error ? cause.message : String(cause), {}, cause)
  }
}

/** What a kid may look like, the beginning of one included: base64url has a dash, and one in 64 begins with it. */
const kidWithDash = /^-[A-Za-z0-9_-]{10,42}$/

function isKid(arg: string, options: Options): boolean {
  if (!kidWithDash.test(arg)) return false
  // A whole one is longer than what anybody appends to a short option, and than the name of any long one.
  if (arg.length === 43) return true
  return !arg.startsWith('--') && !Object.values(options).some(({ short }) => short === arg[1])
}

/**
 * As in Mosquitto's clients the word after an option is its value, even with a dash in front: `-m -5`. Where a kid may
 * stand, which may have one too, all words that are no options go behind them, in their order.
 */
function joinValues(args: readonly string[], options: Options, takesKid: boolean): string[] {
  const joined: string[] = []
  const words: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') return [...joined, '--', ...words, ...args.slice(i + 1)]
    const value = args[i + 1]
    const name = Object.keys(options).find((one) => arg === `--${one}` || arg === `-${options[one]?.short}`)
    if (takesKid && name === undefined && (!arg.startsWith('-') || isKid(arg, options))) words.push(arg)
    else if (name === undefined || value === undefined || options[name]?.type !== 'string') joined.push(arg)
    else {
      joined.push(`--${name}=${value}`)
      i++
    }
  }
  return words.length === 0 ? joined : [...joined, '--', ...words]
}

/** For commands that take options only: what else was given is not ignored. @throws {ClientError} ERR_USAGE */
export function parseOptions<const T extends Options>(args: readonly string[], options: T): Parsed<T>['values'] {
  const { values, positionals } = parseArguments(args, options)
  if (positionals.length > 0) throw new ClientError('ERR_USAGE', `unexpected ${positionals[0]}`)
  return values
}

/** @throws {ClientError} ERR_USAGE */
export function integerOption(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^[0-9]+$/.test(text) || value < least || value > most) {
    throw new ClientError('ERR_USAGE', `${name} is an integer from ${least} to ${most}, not ${text}`)
  }
  return value
}

/** Loads what runs a subcommand, which the words behind its name may decide. */
export type LoadsSubcommand = (args: readonly string[]) => Promise<RunsCommand>

/** A command that runs what its first word names, and loads it only then. @throws {ClientError} ERR_USAGE */
export function bySubcommand(subcommands: Readonly<Record<string, LoadsSubcommand>>): RunsCommand {
  return async ([name, ...args], output) => {
    if (name === undefined) throw usageError('a subcommand is needed')
    const load = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
    if (load === undefined) throw usageError(`no subcommand ${name}`)
    const run = await load(args)
    return run(args, output)
  }
}

/** Errors that are an answer. */
const meansNo: readonly unknown[] = [
  'ERR_REFUSED',
  'ERR_ADMIN',
  'ERR_BROKER_UNPROVEN',
  'ERR_DH_PUBLIC_KEY',
  'ERR_FERNET_MALFORMED',
  'ERR_FERNET_TIME',
  'ERR_LAB',
]

/**
 * Runs a command: help, errors in one line, exit code.
 * @param program what the user calls it by
 */
export async function runCommand(
  command: Command,
  args: readonly string[],
  output: Output,
  program = `notarymq ${command.name}`,
): Promise<number> {
  if (args.includes('--help')) {
    output.out(command.help)
    return exitCode.ok
  }
  try {
    return await command.run(args, output)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    output.error(`${program}: ${error.message}`)
    if (error.code === 'ERR_USAGE') output.error(`Try '${program} --help'.`)
    return meansNo.includes(error.code) ? exitCode.no : exitCode.usage
  }
}
