import { ConfigError, type ConfigPlace } from './errors.ts'

/** One line of a configuration file that says something. */
export interface ConfigLine {
  readonly file: string
  /** Counted from 1; comments and empty lines count. */
  readonly lineNumber: number
  readonly name: string
  /** The rest of the line without blanks around it; empty when there is none. */
  readonly value: string
  /** Of a file that another one includes: where that says so. */
  readonly includedBy?: ConfigPlace
}

// Any control character but the tab, and what the decoder leaves in place of bytes that are not UTF-8.
const malformed = /[^\P{Cc}\t]|\uFFFD/u

/**
 * Cuts the text of a configuration file into directives, as Mosquitto 2.0.11 does (run):
 *
 * - a comment has `#` as the very first character of its line. An indented `#` is a directive of that name, and refused
 *   as such; a `#` after a value is part of the value
 * - spaces before the name and around the value go; a carriage return before the line feed too
 * - the name is the first word, the value everything after it
 *
 * Tabs count as spaces here. Mosquitto takes them as part of the word, so that a file with tabs either does not start
 * there or, worse, `listener 1883<TAB>127.0.0.1` listens on every address.
 *
 * @param text the file, decoded as UTF-8 with replacement characters: a comment may hold bytes of any encoding
 * @param file name for error messages
 * @param report takes a ConfigError ERR_CONFIG_TEXT_MALFORMED; the line is left out where it returns. Default: it is thrown
 */
export function lexConfig(
  text: string,
  file: string,
  report: (error: ConfigError) => void = throwError,
  includedBy?: ConfigPlace,
): readonly ConfigLine[] {
  const lines: ConfigLine[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    if (raw.startsWith('#')) continue
    const line = raw.replace(/[ \t\r]+$/, '').replace(/^[ \t]+/, '')
    if (line === '') continue
    const place = { file, lineNumber: index + 1, ...(includedBy === undefined ? {} : { includedBy }) }
    if (malformed.test(line)) {
      report(new ConfigError('ERR_CONFIG_TEXT_MALFORMED', 'Malformed UTF-8 in configuration.', place))
      continue
    }
    const end = line.search(/[ \t]/)
    const name = end === -1 ? line : line.slice(0, end)
    const value = end === -1 ? '' : line.slice(end).replace(/^[ \t]+/, '')
    lines.push({ ...place, name, value })
  }
  return lines
}

function throwError(error: ConfigError): never {
  throw error
}
