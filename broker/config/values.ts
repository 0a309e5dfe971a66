import { isIPv4 } from 'node:net'
import type { Rate } from '../options.ts'
import { ConfigError, type ConfigErrorCode } from './errors.ts'
import type { ConfigLine } from './lexer.ts'

/** An error at a line, ready to be thrown. */
export function errorAt(line: ConfigLine, code: ConfigErrorCode, reason: string): ConfigError {
  return new ConfigError(code, reason, line)
}

/** ERR_CONFIG_VALUE_INVALID in Mosquitto's words. */
export function invalidValue(line: ConfigLine, value = line.value): ConfigError {
  return errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `Invalid ${line.name} value (${value}).`)
}

/** A value Mosquitto or a later NotaryMQ would take. Said so, as it is no spelling mistake. */
export function unsupportedValue(line: ConfigLine, value: string, knownTo: string): ConfigError {
  const what = `"${line.name} ${value}" is ${knownTo}`
  const reason = `${what} but not supported by this version of NotaryMQ; remove it or wait.`
  return errorAt(line, 'ERR_CONFIG_VALUE_UNSUPPORTED', reason)
}

/**
 * The whole value as one string: it may contain spaces, and `#` (run).
 * @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_TEXT_MALFORMED (a tab, as in Mosquitto)
 */
export function readString(line: ConfigLine): string {
  if (line.value === '') {
    throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', `Empty ${line.name} value in configuration.`)
  }
  if (line.value.includes('\t')) {
    throw errorAt(line, 'ERR_CONFIG_TEXT_MALFORMED', 'Malformed UTF-8 in configuration.')
  }
  return line.value
}

/**
 * The words of a value up to one that begins with `#`. Mosquitto ignores whatever follows the words it needs, so
 * `listener 1883 # office` starts there and must start here; the first word is taken whatever it is, since `#` is a
 * topic filter.
 * @param most how many words the directive takes; more are refused, where Mosquitto would ignore them silently
 * @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID
 */
export function readWords(line: ConfigLine, most: number): readonly [string, ...string[]] {
  const [first, ...others] = line.value.split(/[ \t]+/)
  if (first === undefined || first === '') {
    throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', `Empty ${line.name} value in configuration.`)
  }
  const comment = others.findIndex((word) => word.startsWith('#'))
  const rest = comment === -1 ? others : others.slice(0, comment)
  if (1 + rest.length > most) throw invalidValue(line)
  return [first, ...rest]
}

/** @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID */
export function readBoolean(line: ConfigLine): boolean {
  const [word] = readWords(line, 1)
  if (word === 'true' || word === '1') return true
  if (word === 'false' || word === '0') return false
  throw invalidValue(line)
}

/**
 * A count from 0 to `largest`. Mosquitto reads `12abc` as 12, `abc` as 0 and negative numbers as 0; a typo that means
 * "no limit" is refused here.
 * @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID
 */
export function readCount(line: ConfigLine, largest: number): number {
  const [word] = readWords(line, 1)
  if (!/^\d+$/.test(word)) throw invalidValue(line)
  const count = Number(word)
  if (count > largest) throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `${line.name} must be <= ${largest}.`)
  return count
}

/** A limit where -1 or 0 stands for none. @returns 0 for none @throws {ConfigError} ERR_CONFIG_VALUE_* */
export function readLimit(line: ConfigLine): number {
  const [word] = readWords(line, 1)
  return word === '-1' ? 0 : readCount(line, largestInt)
}

/** Mosquitto keeps counts in a C int. */
export const largestInt = 2_147_483_647

/** Whether `word` is a decimal count, at most Mosquitto's largest. */
export function isCount(word: string): boolean {
  return /^\d+$/.test(word) && Number(word) <= largestInt
}

/** Whether `word` is a count other than 0. */
export function isRate(word: string): boolean {
  return isCount(word) && Number(word) > 0
}

/** `PER_SECOND [BURST]`. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID */
export function readRate(line: ConfigLine): Rate {
  const [perSecond, burst] = readWords(line, 2)
  if (!isRate(perSecond) || !isRate(burst ?? perSecond)) throw invalidValue(line)
  return { perSecond: Number(perSecond), ...(burst === undefined ? {} : { burst: Number(burst) }) }
}

/** One of several words. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID */
export function readChoice<const T extends string>(line: ConfigLine, choices: readonly T[]): T {
  const [word] = readWords(line, 1)
  const choice = choices.find((one) => one === word)
  if (choice === undefined) throw invalidValue(line, word)
  return choice
}

const day = 86_400
const unitSeconds: Readonly<Record<string, number>> = { s: 1, h: 3600, d: day, w: 7 * day, m: 30 * day, y: 365 * day }

/** A duration as `14d`: hours, days, weeks, months of 30 days, years of 365; seconds as in 2.1. @throws {ConfigError} ERR_CONFIG_VALUE_* */
export function readDuration(line: ConfigLine): number {
  const [word] = readWords(line, 1)
  const seconds = secondsOf(word)
  if (seconds === undefined) {
    throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `Invalid ${line.name} duration in configuration.`)
  }
  return seconds
}

/** Undefined when the word is no duration, or none at all. */
export function secondsOf(word: string): number | undefined {
  const [, digits = '0', unit = ''] = /^(\d+)([shdwmy])$/.exec(word) ?? []
  const seconds = Number(digits) * (unitSeconds[unit] ?? 0)
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : undefined
}

/** `PORT [ADDRESS]`. @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID, ERR_CONFIG_PORT_INVALID */
export function readPortAndAddress(line: ConfigLine): { readonly port: number; readonly host?: string } {
  const [port, host] = readWords(line, 2)
  if (!isPort(port)) throw errorAt(line, 'ERR_CONFIG_PORT_INVALID', `Invalid port value (${port}).`)
  return { port: Number(port), ...(host === undefined ? {} : { host }) }
}

const unitBytes: Readonly<Record<string, number>> = { '': 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** A size: a number of bytes, or with k, M or G behind it of KiB, MiB or GiB. @throws {ConfigError} ERR_CONFIG_VALUE_* */
export function readBytes(line: ConfigLine): number {
  const bytes = bytesOf(readWords(line, 1)[0])
  if (bytes === undefined) throw invalidValue(line)
  return bytes
}

/** Undefined when the word is no size. */
export function bytesOf(word: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+)([kMG]?)$/.exec(word) ?? []
  const bytes = digits === '' ? Number.NaN : Number(digits) * (unitBytes[unit] ?? Number.NaN)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Whether `text` is a decimal TCP port from 1 to 65535; surrounding characters are not forgiven. */
export function isPort(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535
}

/** Whether an address as written in a listener line is one of 127.0.0.0/8, ::1 or localhost. */
export function isLoopbackAddress(host: string | undefined): boolean {
  if (host === undefined) return false
  return (isIPv4(host) && host.startsWith('127.')) || host === '::1' || host.toLowerCase() === 'localhost'
}
