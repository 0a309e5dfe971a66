import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type BrokerOptions, defaultListeners, loopbackListeners } from '../options.ts'
import { classifyDirective } from './directives.ts'
import { ConfigError, type ConfigPlace } from './errors.ts'
import { type ConfigLine, lexConfig } from './lexer.ts'
import { defaultLocation, type Interpretation, interpretConfig } from './resolve.ts'
import { isPort } from './values.ts'

/** A configuration that was read and found good. */
export interface LoadedConfig {
  readonly options: BrokerOptions
  /** For the log, once: lines that have no effect here, and why, and what else an operator should know. */
  readonly warnings: readonly string[]
  /** Clients of this machine alone can connect. */
  readonly isLocalOnly: boolean
  /** Of the main file and of those it includes, in order of reading. */
  readonly lines: readonly ConfigLine[]
}

/** A configuration that was read, whatever it is worth. */
export interface ReadConfig extends Interpretation {
  /** Of the main file and of those it includes, in order of reading. */
  readonly lines: readonly ConfigLine[]
}

/**
 * Reads and checks a configuration file and those it includes. Nothing is created, opened or bound.
 * @param path as given with -c; error messages repeat it
 * @param port as given with -p; it only moves local only mode, a file with a `listener` line ignores it (Mosquitto run)
 * @throws {ConfigError} any code of `configErrors`: the first mistake
 */
export function loadConfigFile(path: string, port?: number): LoadedConfig {
  const { lines, options, mistakes, ignored, warnings, isLocalOnly } = readConfigFile(path, port)
  if (options === undefined) throw mistakes[0]
  const notices = [
    ...[...ignored].map(([line, reason]) => ({ line, text: `"${line.name}" has no effect here: ${reason}.` })),
    ...warnings,
  ]
  return {
    options,
    isLocalOnly,
    lines,
    warnings: notices.map(({ line, text }) => `Warning: ${line.file}:${line.lineNumber}: ${text}`),
  }
}

/**
 * The same without an end at the first mistake.
 * @throws {ConfigError} ERR_CONFIG_FILE_UNREADABLE, ERR_CONFIG_PORT_INVALID: there is nothing to judge
 */
export function readConfigFile(path: string, port?: number): ReadConfig {
  if (port !== undefined) checkCommandLinePort(port)
  const mistakes: ConfigError[] = []
  const lines = readLines(path, (error) => mistakes.push(error))
  const read = interpretConfig(lines, port)
  if (mistakes.length === 0) return { ...read, lines }
  return { ...read, lines, options: undefined, mistakes: [...mistakes, ...read.mistakes] }
}

/**
 * What the broker does without a configuration file. Reachable from this machine only, so that it may be open:
 * anonymous clients are let in, and on TCP they are administrators.
 * @param port as given with -p: TCP on that port, no WebSocket. Without: TCP on 1883 and WebSocket on 9001
 * @throws {ConfigError} ERR_CONFIG_PORT_INVALID
 */
export function defaultOptions(port?: number): BrokerOptions {
  if (port !== undefined) checkCommandLinePort(port)
  return {
    location: defaultLocation,
    listeners: port === undefined ? defaultListeners : loopbackListeners('mqtt', port),
    allowAnonymous: true,
    anonymousAdmin: true,
  }
}

function checkCommandLinePort(port: number): void {
  if (isPort(String(port))) return
  throw new ConfigError('ERR_CONFIG_PORT_INVALID', `Invalid port specified (${port}).`)
}

/** The lines of a file, each `include_dir` followed by those of the files it stands for. */
function readLines(path: string, report: (error: ConfigError) => void): readonly ConfigLine[] {
  const canInclude = classifyDirective('include_dir').kind === 'honoured'
  return lexConfig(readText(path), path, report).flatMap((line) => {
    const isInclude = canInclude && line.name === 'include_dir' && line.value !== ''
    return isInclude ? [line, ...includedLines(line, report)] : [line]
  })
}

/** Files whose names end in `.conf` and have something before it, in the order of their bytes, as Mosquitto takes them. */
function includedLines(line: ConfigLine, report: (error: ConfigError) => void): readonly ConfigLine[] {
  const directory = line.value
  const place: ConfigPlace = { file: line.file, lineNumber: line.lineNumber }
  let names: readonly string[]
  try {
    names = readdirSync(directory).filter((name) => name.length > '.conf'.length && name.endsWith('.conf'))
  } catch (cause) {
    const reason = `Unable to open include_dir '${directory}'.`
    report(new ConfigError('ERR_CONFIG_INCLUDE_UNREADABLE', reason, place, cause))
    return []
  }
  return names
    .toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    .flatMap((name) => {
      const file = join(directory, name)
      try {
        return lexConfig(readText(file), file, report, place)
      } catch (cause) {
        if (!(cause instanceof ConfigError)) throw cause
        report(new ConfigError('ERR_CONFIG_INCLUDE_UNREADABLE', cause.reason, place, cause))
        return []
      }
    })
}

/** Invalid UTF-8 becomes U+FFFD, so that the lexer can forgive it in comments and name the line elsewhere. */
function readText(path: string): string {
  try {
    if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_FILE_UNREADABLE', `Unable to open config file ${path}.`, { file: path }, cause)
  }
  throw new ConfigError('ERR_CONFIG_FILE_UNREADABLE', `Config file ${path} is a directory.`, { file: path })
}
