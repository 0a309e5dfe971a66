import { type Command, exitCode as commandExitCode, type Output, parseOptions } from '../../clients/cli/command.ts'
import { isTopicName } from '../../protocol/index.ts'
import { ConfigError, missingFiles, type ReadConfig, readConfigFile, type Verdict } from '../config/index.ts'
import { explainTopic } from '../config/topic-explanation.ts'
import { explanationJson, printExplanation } from './check-config-topic.ts'

/** What becomes of one line, or of a file as a whole where `line` is absent. */
interface Judged {
  readonly file: string | undefined
  readonly line: number | undefined
  readonly directive: string | undefined
  readonly verdict: Verdict
  /** Why it is ignored or refused. */
  readonly reason?: string
  /** Of a refusal. */
  readonly code?: string
  /** What to know of a line that is honoured. */
  readonly warnings?: readonly string[]
}

export const checkConfig: Command = {
  name: 'check-config',
  help: `Usage: notarymq check-config -c FILE [--topic TOPIC] [--json]

Reads a configuration and the files that it includes, starts nothing, and says of every line whether it is honoured,
ignored (it has no effect here, and why) or refused (why, and what to do). Whether the files that lines name can be read
is tried as the user that runs this command.

With --topic it says instead what holds for publishes to that topic, and which lines say so: those that apply, and those
that a line with "none" takes away. Other files are not looked at.

  -c FILE                       configuration in the language of mosquitto.conf
      --topic TOPIC             a topic name, without wildcards
      --json                    one JSON object

Exit codes: 0 the broker would start with it; otherwise what the broker would end with: 3 wrong configuration,
13 password_file or acl_file that cannot be read, 1 another file that cannot be read. Usage errors: 2.`,
  run: async (args, output) => {
    const values = parseOptions(args, {
      config: { type: 'string', short: 'c' },
      json: { type: 'boolean' },
      topic: { type: 'string' },
    })
    const { config, topic } = values
    if (config === undefined) return usageError('-c FILE is needed', output)
    if (topic !== undefined && !isTopicName(topic)) return usageError(`${topic} is not a topic name`, output)
    const read = tryToRead(config)
    if (topic !== undefined && !(read instanceof ConfigError) && read.options !== undefined) {
      const explanation = explainTopic(topic, read.topicLines)
      if (values.json === true) output.out(explanationJson(topic, explanation))
      else printExplanation(topic, explanation, output)
      return commandExitCode.ok
    }
    const { lines, mistakes, exitCode } = judge(read)
    if (values.json === true) output.out(JSON.stringify({ ok: exitCode === 0, exitCode, lines }))
    else print(lines, mistakes, exitCode, output)
    return exitCode
  },
}

function usageError(what: string, output: Output): number {
  output.error(`notarymq check-config: ${what}\nTry 'notarymq check-config --help'.`)
  return commandExitCode.usage
}

interface Judgement {
  readonly lines: readonly Judged[]
  readonly mistakes: number
  readonly exitCode: number
}

/** @returns an error where the file itself cannot be read */
function tryToRead(path: string): ReadConfig | ConfigError {
  try {
    return readConfigFile(path)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error
  }
}

function judge(read: ReadConfig | ConfigError): Judgement {
  if (read instanceof ConfigError) return { lines: [refusal(read, undefined)], mistakes: 1, exitCode: read.exitCode }
  const mistakes = [...read.mistakes, ...missingFiles(read.lines)]
  const lines = read.lines.flatMap((line): readonly Judged[] => {
    const place = { file: line.file, line: line.lineNumber, directive: line.name }
    const errors = mistakes.filter((error) => error.file === line.file && error.line === line.lineNumber)
    if (errors.length > 0) return errors.map((error) => refusal(error, line.name))
    const reason = read.ignored.get(line)
    if (reason !== undefined) return [{ ...place, verdict: 'ignored', reason }]
    const warnings = read.warnings.filter((warning) => warning.line === line).map(({ text }) => text)
    return [{ ...place, verdict: 'honoured', ...(warnings.length === 0 ? {} : { warnings }) }]
  })
  // A line that is no text has no directive, and a file that cannot be read no lines.
  const elsewhere = mistakes.filter(
    (error) => !read.lines.some((line) => error.file === line.file && error.line === line.lineNumber),
  )
  return {
    lines: [...lines, ...elsewhere.map((error) => refusal(error, undefined))],
    mistakes: mistakes.length,
    exitCode: mistakes[0]?.exitCode ?? 0,
  }
}

function refusal({ file, line, reason, code }: ConfigError, directive: string | undefined): Judged {
  return { file, line, directive, verdict: 'refused', reason, code }
}

function print(lines: readonly Judged[], mistakes: number, exitCode: number, output: Output): void {
  for (const { file, line, directive, verdict, reason, warnings = [] } of lines) {
    const place = [file, line].filter((one) => one !== undefined).join(':')
    const what =
      directive === undefined ? `${place}  ${verdict}` : `${place}  ${verdict.padEnd('honoured'.length)}  ${directive}`
    output.out(reason === undefined ? what : `${what}: ${reason}`)
    for (const warning of warnings) output.out(`${place}  warning   ${warning}`)
  }
  if (mistakes === 0) output.out('The broker would start with it.')
  else output.out(`The broker would not start: ${mistakes} mistake${mistakes === 1 ? '' : 's'}, exit code ${exitCode}.`)
}
