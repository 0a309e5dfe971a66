import { type Output, usageError } from '../command.ts'
import { printable } from '../printable.ts'
import { compileFormat, type MessageFormat } from './format.ts'
import { type ShownMessage, verdictOf } from './shown-message.ts'

/** Flags that say how a message is printed; those of mosquitto_sub. */
export const printOptions = {
  format: { type: 'string', short: 'F' },
  verbose: { type: 'boolean', short: 'v' },
  'no-newline': { type: 'boolean', short: 'N' },
  pretty: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const printHelp = `  -v, --verbose                 the topic before each payload; with --keys, or at a terminal, who signed behind it
  -F, --format FORMAT           as in mosquitto_sub(1), and: %v one word on whether it verified, %s name of the signer,
                                %K its kid, %n sequence number, %T signed time, %e 1 when it was encrypted
      --json                    as -F %j; with --pretty over several lines
  -N, --no-newline              no end of line after each message`

export interface PrintFlags {
  readonly format?: string | undefined
  readonly verbose?: boolean | undefined
  readonly 'no-newline'?: boolean | undefined
  readonly pretty?: boolean | undefined
  readonly json?: boolean | undefined
}

/** Where messages are printed. */
export interface MessageSink {
  readonly isTTY?: boolean | undefined
  write(bytes: Uint8Array): unknown
}

const noBytes = new Uint8Array(0)

/** Prints messages as Mosquitto's client does; and behind them, where somebody looks for it, who signed. */
export class MessagePrinter {
  readonly #sink: MessageSink
  readonly #output: Output
  readonly #format: MessageFormat
  readonly #end: Uint8Array

  /**
   * @param hasKeyring whether anybody's signature is believed
   * @throws {ClientError} ERR_USAGE
   */
  constructor(flags: PrintFlags, hasKeyring: boolean, sink: MessageSink, output: Output) {
    if (flags.format !== undefined && flags.json) throw usageError('-F and --json do not go together')
    this.#sink = sink
    this.#output = output
    this.#end = flags['no-newline'] ? noBytes : Buffer.from('\n')
    const format = flags.json ? '%j' : flags.format
    this.#format =
      format === undefined
        ? plainFormat(flags.verbose ?? false, verdictStyle(flags, hasKeyring, sink))
        : compileFormat(format, flags.pretty ? '\t' : undefined)
  }

  print(message: ShownMessage): void {
    const written = this.#format(message)
    if (written === undefined) this.#output.error(`the payload on ${printable(message.topic)} is not JSON`)
    // mosquitto_sub ends a line that it cannot fill, too.
    this.#sink.write(Buffer.concat([written ?? noBytes, this.#end]))
  }
}

type Style = 'none' | 'plain' | 'coloured'

/** Pipes get what mosquitto_sub gives them, unless somebody asked for more. */
function verdictStyle({ verbose }: PrintFlags, hasKeyring: boolean, { isTTY }: MessageSink): Style {
  if (isTTY) return process.env.NO_COLOR === undefined || process.env.NO_COLOR === '' ? 'coloured' : 'plain'
  return verbose && hasKeyring ? 'plain' : 'none'
}

/**
 * `topic payload`, or `topic (null)`, as Mosquitto writes it. With who signed behind it a message is one line, and moves no
 * cursor: nobody writes a verdict of his own.
 */
function plainFormat(isVerbose: boolean, style: Style): MessageFormat {
  return (message) => {
    const { topic, payload } = message
    const head = isVerbose ? `${topic} ` : ''
    const body =
      isVerbose && payload.length === 0 && message.undecrypted === undefined ? Buffer.from('(null)') : payload
    const plain = Buffer.concat([Buffer.from(head), body])
    if (style === 'none') return plain
    return Buffer.from(`${printable(plain.toString())}  ${signedText(message, style === 'coloured')}`)
  }
}

const colours = { green: '\x1b[32m', yellow: '\x1b[33m', red: '\x1b[31m', end: '\x1b[0m' } as const

/** `[press-7 #42]`, or why it is not believed. */
function signedText(message: ShownMessage, isColoured: boolean): string {
  const { verified, encrypted } = message
  const verdict = verdictOf(message)
  const signer = verified === undefined ? undefined : `${verified.subject} #${verified.seq}`
  const isFine = verdict === 'verified'
  const text = [signer, isFine ? undefined : verdict, encrypted ? 'encrypted' : undefined].filter(Boolean).join(', ')
  if (!isColoured) return `[${text}]`
  const colour = isFine ? 'green' : verdict === 'unsigned' || verdict === 'unknown-key' ? 'yellow' : 'red'
  return `${colours[colour]}[${text}]${colours.end}`
}
